import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { describe, it } from 'node:test'
import { createOutput, type Output, type OutputStream } from '../output/output.ts'
import { createStyle } from '../output/style.ts'
import { createScreen, type Screen, type ScreenOptions } from '../testing/screen.ts'
import { loadHighlighter } from './highlight-lines.ts'
import { createMarkdownPrinter, type MarkdownPrinter, type MarkdownPrinterOptions } from './printer.ts'
import { createRandom, renderRows, renderText, sample, toPieces, withoutLooks } from './render-for-test.ts'

interface Bench {
  screen: Screen
  printer: MarkdownPrinter
  output: Output
  writes: string[]
  resize(columns: number): void
  /** The terminal takes more. */
  drain(): void
  /** Time passes, and timers with it. */
  wait(ms: number): void
  readonly timers: number
}

interface BenchOptions extends Partial<ScreenOptions> {
  colors?: boolean
  dumb?: boolean
  isSlow?: boolean
  printer?: Partial<MarkdownPrinterOptions>
}

function open({ columns = 40, rows = 12, colors = true, dumb = false, ...rest }: BenchOptions = {}): Bench {
  const screen = createScreen({ columns, rows, ...rest })
  const writes: string[] = []
  const events = new EventEmitter()
  const size = { columns, rows }
  const stream: OutputStream & { readonly rows: number } = {
    isTTY: true,
    get columns() {
      return size.columns
    },
    get rows() {
      return size.rows
    },
    write(text) {
      if (text !== '') writes.push(text)
      screen.write(text)
      return rest.isSlow !== true
    },
    on: (event: string, listener: (...args: never[]) => void) => events.on(event, listener as () => void),
    once: (event: string, listener: () => void) => events.once(event, listener),
  }
  const output = createOutput(stream, { style: createStyle(colors), dumb })
  const timers = new Map<() => void, number>()
  let now = 0
  const clock = {
    now: () => now,
    start(listener: () => void, afterMs: number) {
      timers.set(listener, now + afterMs)
      return () => void timers.delete(listener)
    },
  }
  const printer = createMarkdownPrinter({ output, clock, ...rest.printer })
  return {
    screen,
    printer,
    output,
    writes,
    drain: () => void events.emit('drain'),
    resize(wanted) {
      size.columns = wanted
      screen.resize(wanted)
    },
    wait(ms) {
      now += ms
      for (const [listener, at] of timers) {
        if (at > now) continue
        timers.delete(listener)
        listener()
      }
    },
    get timers() {
      return timers.size
    },
  }
}

/** Writes it in pieces, each shown in a frame of its own. */
async function type(bench: Bench, text: string, random: () => number, longest: number): Promise<void> {
  for (const piece of toPieces(text, random, longest)) {
    await bench.printer.write(piece)
    bench.wait(50)
  }
}

describe('the screen', () => {
  for (const columns of [40, 80, 120]) {
    it(`shows the same at the end, however the answer came, at ${columns} columns`, async () => {
      const random = createRandom(columns)
      const expected = renderRows(sample, { columns, highlighter: await loadHighlighter() })
      for (const longest of [3, 40, 1000]) {
        const bench = open({ columns })
        await type(bench, sample, random, longest)
        await bench.printer.end()
        assert.deepEqual(
          bench.screen.copied,
          expected.map(({ text }) => withoutLooks(text)),
        )
        assert.deepEqual(bench.screen.unknown, [])
        assert.equal(bench.screen.column, 0)
        assert.equal(bench.screen.line, bench.screen.lines.length)
        assert.equal(bench.screen.isCursorShown, true)
      }
    })
  }

  it('never loses or changes a row that was final, and shows the tail below them', async () => {
    const bench = open({ columns: 60, rows: 10 })
    const random = createRandom(3)
    const text = sample.replace(/^let long.*$/m, '').replace(/See https.*$/m, '')
    const whole = renderText(text, { columns: 60 })
    for (const piece of toPieces(text, random, 6)) {
      await bench.printer.write(piece)
      bench.wait(50)
      const shown = bench.screen.lines
      const settled = shown.slice(0, bench.screen.line)
      assert.deepEqual(settled, whole.slice(0, settled.length))
      assert.ok(shown.length - settled.length < 10)
    }
  })

  it('shows rows that are as wide as it is without a gap between them', async () => {
    const bench = open({ columns: 10 })
    await type(bench, 'abcd efghi klmn opqrs tuv日wxyz 日本語日本', createRandom(1), 2)
    await bench.printer.end()
    assert.deepEqual(bench.screen.lines, ['abcd efghi', 'klmn opqrs', 'tuv日wxyz', '日本語日本'])
  })

  it('leaves no rest of a longer tail', async () => {
    const bench = open({ columns: 20 })
    await bench.printer.write('[a link with many words in it that goes on](http://x.')
    assert.equal(bench.screen.lines.length, 3)
    bench.wait(50)
    await bench.printer.write('org) b')
    await bench.printer.end()
    assert.deepEqual(bench.screen.lines, ['a link with many', 'words in it that', 'goes on', '(http://x.org) b'])
  })

  it('is not broken by a tail that is higher than it is', async () => {
    const bench = open({ columns: 20, rows: 3 })
    await type(bench, `**${'word '.repeat(20)}`, createRandom(1), 7)
    assert.ok(bench.screen.lines.length <= 2)
    await bench.printer.end()
    assert.deepEqual(bench.screen.lines, renderText(`**${'word '.repeat(20)}`, { columns: 20 }))
  })

  it('keeps a long line of code in one piece for whoever copies it', async () => {
    const bench = open({ columns: 20 })
    const line = `const\ta = "${'日本 word '.repeat(8)}"`
    await type(bench, `\`\`\`\n${line}\nb\n\`\`\`\nc`, createRandom(1), 3)
    await bench.printer.end()
    assert.deepEqual(bench.screen.copied, [line.replace('\t', '   '), 'b', '', 'c'])
  })

  it('holds no spaces at the end of its rows', async () => {
    const bench = open({ columns: 60 })
    await type(bench, sample, createRandom(9), 9)
    await bench.printer.end()
    for (const line of bench.screen.copied) assert.equal(line, line.trimEnd())
  })
})

describe('a resize in the middle of an answer', () => {
  for (const reflows of [true, false]) {
    it(`leaves no ghosts where the terminal ${reflows ? 'breaks its rows anew' : 'cuts them'}`, async () => {
      const bench = open({ columns: 60, rows: 20, reflows })
      const words = Array.from({ length: 120 }, (_, index) => `word${index}`)
      const random = createRandom(5)
      for (const [index, word] of words.entries()) {
        await bench.printer.write(`${index % 30 === 7 ? '**' : ''}${word} `)
        bench.wait(50)
        if (index % 10 !== 9) continue
        bench.resize(20 + Math.floor(random() * 60))
        if (index % 20 === 9) bench.printer.setColumns(bench.output.columns)
      }
      await bench.printer.end()
      const shown = bench.screen.copied.join(' ').match(/word\d+/g) ?? []
      if (reflows) assert.deepEqual(shown, words)
      assert.equal(new Set(shown).size, shown.length)
    })
  }

  it('shows the tail for the new width at once when it is told', async () => {
    const bench = open({ columns: 30 })
    await bench.printer.write('some words that fit here')
    bench.resize(12)
    bench.printer.setColumns(12)
    bench.printer.setColumns(12)
    assert.deepEqual(bench.screen.lines, ['some words', 'that fit', 'here'])
  })
})

describe('frames', () => {
  it('are not more than thirty a second', async () => {
    const bench = open()
    for (let token = 0; token < 1000; token++) {
      await bench.printer.write(`w${token} `)
      bench.wait(1)
    }
    assert.ok(bench.writes.length <= 31)
    assert.equal(bench.timers, 1)
    await bench.printer.end()
    assert.equal(bench.timers, 0)
  })

  it('are one write each, that leaves wrapping on and asks for no more than it must', async () => {
    const bench = open()
    await bench.printer.write('a')
    bench.wait(50)
    await bench.printer.write('b')
    assert.deepEqual(bench.writes, [
      '\u001b[?2026h\u001b[?25l\u001b[?7la\u001b[?7h\r\u001b[?2026l',
      '\u001b[?2026h\u001b[?7lab\u001b[K\u001b[?7h\r\u001b[?2026l',
    ])
  })

  it('are left out where nothing changed', async () => {
    const bench = open()
    await bench.printer.write('a')
    bench.wait(50)
    await bench.printer.write('')
    await bench.printer.write(' **')
    bench.wait(50)
    await bench.printer.flush()
    assert.equal(bench.writes.length, 1)
  })

  it('wait for a terminal that is slow', async () => {
    const bench = open({ isSlow: true })
    const written = bench.printer.write('a')
    let isTaken = false
    void written.then(() => {
      isTaken = true
    })
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(isTaken, false)
    bench.drain()
    await written
  })
})

describe('a tail that is hidden', () => {
  it('is gone at once, with the cursor where it began, and comes back with what came since', async () => {
    const bench = open({ columns: 20 })
    await bench.printer.write('first paragraph\n\nthe second one')
    bench.printer.hide()
    bench.printer.hide()
    assert.deepEqual(bench.screen.lines, ['first paragraph'])
    assert.deepEqual([bench.screen.line, bench.screen.column, bench.screen.isCursorShown], [1, 0, true])
    bench.screen.write('status\r\u001b[K')
    bench.wait(50)
    await bench.printer.write(' goes on')
    assert.deepEqual(bench.screen.lines, ['first paragraph'])
    bench.printer.show()
    assert.deepEqual(bench.screen.lines, ['first paragraph', '', 'the second one goes', 'on'])
  })

  it('is shown by the end', async () => {
    const bench = open()
    await bench.printer.write('a **b')
    bench.printer.hide()
    await bench.printer.end()
    assert.deepEqual(bench.screen.lines, ['a **b'])
  })

  it('is laid out anew behind the scenes when the terminal is resized', async () => {
    const bench = open({ columns: 30 })
    await bench.printer.write('one two three four five six')
    bench.printer.hide()
    bench.resize(10)
    bench.printer.setColumns(10)
    assert.deepEqual(bench.screen.lines, [])
    bench.printer.show()
    assert.deepEqual(bench.screen.lines, ['one two', 'three four', 'five six'])
  })

  it('may be none', async () => {
    const bench = open()
    bench.printer.hide()
    bench.printer.show()
    await bench.printer.end()
    assert.deepEqual(bench.writes, [])
  })
})

describe('highlighting', () => {
  it('is there from the first line of code, though it is loaded when that comes', async () => {
    const bench = open({ columns: 60 })
    const written = [
      bench.printer.write('a\n``'),
      bench.printer.write('`js\nlet b = 1\n'),
      bench.printer.write('```\n'),
    ]
    bench.printer.hide()
    bench.printer.show()
    await Promise.all(written)
    await bench.printer.end()
    assert.deepEqual(bench.screen.lines, ['a', '', 'js', 'let b = 1'])
    assert.ok(bench.writes.join('').includes('\u001b[35mlet\u001b[m b = \u001b[33m1'))
  })
})

describe('a terminal that cannot be drawn on again', () => {
  it('gets rows when they are final, without any code', async () => {
    const bench = open({ dumb: true, colors: false, columns: 20, printer: { unicode: false } })
    await type(bench, '# A\n- *b* one two three four five', createRandom(1), 4)
    bench.printer.hide()
    await bench.printer.end()
    assert.equal(bench.writes.join(''), '# A\n- *b* one two three\n  four five\n')
  })

  it('and a screen reader get no row twice', async () => {
    const bench = open({ columns: 20, printer: { plain: true } })
    await type(bench, '# A\n\n- *b* one two three four five', createRandom(1), 4)
    await bench.printer.end()
    assert.equal(bench.writes.join(''), 'A\n\n- b one two three four five\n')
  })
})
