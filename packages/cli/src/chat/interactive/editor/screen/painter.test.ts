import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createStyle } from '../../../../output/style.ts'
import { toChord } from '../keys/key.ts'
import { addChip, createPrompt, type Prompt, press } from '../prompt.ts'
import { createEmulator } from '../testing/emulator.ts'
import { createRandom } from '../testing/random.ts'
import { type Frame, type Size, textWidth, toFrame } from './frame.ts'
import { createPainter } from './painter.ts'
import { toSentView, toView } from './prompt-view.ts'

interface OpenOptions extends Size {
  colors?: boolean
  reflows?: boolean
}

const before = ['an answer', 'of two lines']

/** A painter on a small terminal on which something was said before. */
function open({ colors = false, reflows = true, ...first }: OpenOptions) {
  let size: Size = first
  let prompt = createPrompt(['older', 'newer\nof two lines'])
  let frame: Frame | undefined
  const written: string[] = []
  const terminal = createEmulator({ ...size, reflows })
  const write = (text: string) => {
    written.push(text)
    terminal.write(text)
  }
  const painter = createPainter({ write, style: createStyle(colors), reflows })
  terminal.write(`${before.join('\r\n')}\r\n`)
  const show = () => {
    frame = toFrame(toView(prompt, size), size, painter.top)
    painter.paint(frame, size)
  }
  show()
  return {
    terminal,
    painter,
    written,
    get prompt() {
      return prompt
    },
    press(...keys: Parameters<typeof press>[1][]) {
      for (const key of keys) prompt = press(prompt, key, textWidth(size)).prompt
      show()
    },
    type: (text: string) => {
      prompt = press(prompt, { type: 'text', text }, textWidth(size)).prompt
      show()
    },
    set(next: Prompt) {
      prompt = next
      show()
    },
    resize(columns: number, rows: number) {
      size = { columns, rows }
      terminal.resize(columns, rows)
      show()
    },
    finish() {
      painter.paint(toFrame(toSentView(prompt), size, painter.top), size)
      painter.leave()
    },
    /** What should be seen where the frame is, and what is. */
    compare(message?: string) {
      const wanted =
        frame?.rows.map(({ cells }) =>
          cells
            .map((cell) => cell.text)
            .join('')
            .trimEnd(),
        ) ?? []
      const first = terminal.cursor.row - (frame?.cursor.row ?? 0)
      const seen = terminal.lines.slice(first)
      while (seen.length < wanted.length) seen.push('')
      assert.deepEqual(seen, wanted, message)
      assert.equal(terminal.cursor.column, frame?.cursor.column, message)
      assert.equal(terminal.wraps, 0, message)
    },
  }
}

describe('what is painted', () => {
  it('is only what changed', () => {
    const screen = open({ columns: 40, rows: 10 })
    screen.type('hell')
    screen.type('o')
    screen.press(toChord('left'))
    screen.press(toChord('left'))
    screen.type('x')
    screen.press(toChord('backspace'))
    screen.press(toChord('backspace'))
    screen.press(toChord('ctrl-a'))
    assert.deepEqual(screen.written, [
      '\r\u001b[J> ',
      'hell',
      'o',
      '\u001b[7G',
      '\u001b[6G',
      'xlo\u001b[7G',
      '\u001b[6G\u001b[Klo\u001b[6G',
      '\u001b[Ko\u001b[5G',
      '\u001b[3G',
    ])
    screen.compare()
  })

  it('is nothing when nothing changed', () => {
    const screen = open({ columns: 40, rows: 10 })
    screen.press(toChord('left'))
    assert.equal(screen.written.length, 1)
  })

  it('hides the cursor only while it goes over several rows', () => {
    const screen = open({ columns: 40, rows: 10 })
    screen.type('one')
    screen.press({ type: 'paste', text: 'a\nb', lost: 0 })
    assert.equal(screen.written.at(-1), '\u001b[?25la\r\n  b\u001b[?25h')
    screen.compare()
  })

  it('has colours where they are on', () => {
    const screen = open({ columns: 40, rows: 10, colors: true })
    screen.set(addChip(screen.prompt, { label: 'a.png' }))
    assert.ok(screen.written.join('').includes('\u001b[1m>\u001b[22m \u001b[36m[a.png]\u001b[39m'))
    screen.compare()
  })

  it('says the column again behind characters on whose width terminals do not agree', () => {
    const screen = open({ columns: 40, rows: 10 })
    screen.type('a👨‍👩‍👧b')
    assert.equal(screen.written.at(-1), 'a👨‍👩‍👧\u001b[6Gb')
    screen.compare()
  })

  it('stays when it is sent, without what stood below it', () => {
    const screen = open({ columns: 40, rows: 10 })
    screen.type('"""')
    screen.press(toChord('enter'))
    screen.type('one"""')
    screen.press(toChord('up'))
    screen.finish()
    assert.deepEqual(screen.terminal.lines, [...before, '> """', '… one"""', ''])
    assert.deepEqual(screen.terminal.cursor, { row: 4, column: 0 })
  })

  it('begins at the top after the screen was cleared', () => {
    const screen = open({ columns: 40, rows: 10 })
    screen.type('kept')
    screen.painter.clear()
    screen.press()
    assert.deepEqual(screen.terminal.lines, ['> kept'])
  })

  it('begins below what another program wrote', () => {
    const screen = open({ columns: 40, rows: 10 })
    screen.type('kept')
    screen.terminal.write('\r\nsuspended\r\n')
    screen.painter.forget()
    screen.press()
    assert.deepEqual(screen.terminal.lines, [...before, '> kept', 'suspended', '> kept'])
  })
})

describe('a line that fills the width', () => {
  it('makes no row too many, typed and deleted a character at a time', () => {
    for (const character of ['x', '日', '👨‍👩‍👧']) {
      const screen = open({ columns: 20, rows: 10 })
      for (let count = 0; count < 40; count++) {
        screen.type(character)
        screen.compare()
      }
      for (let count = 0; count < 40; count++) {
        screen.press(toChord('backspace'))
        screen.compare()
      }
      assert.deepEqual(screen.terminal.lines, [...before, '>'])
    }
  })
})

describe('another size', () => {
  for (const reflows of [true, false]) {
    it(`breaks the text anew, and leaves nothing behind${reflows ? '' : ', where the terminal cuts rows'}`, () => {
      const screen = open({ columns: 80, rows: 30, reflows })
      screen.type('a question that is long enough to need more than one row on most terminals, 日本語 too')
      for (const at of ['ctrl-a', 'ctrl-e', 'up']) {
        screen.press(toChord(at))
        for (const columns of [80, 41, 40, 33, 60, 100, 25, 80]) {
          screen.resize(columns, 30)
          screen.compare(`${at} ${columns}`)
          assert.deepEqual(screen.terminal.lines.slice(0, 2), before)
          assert.match(screen.terminal.lines[2] ?? '', /^> a question/)
        }
      }
    })
  }

  it('leaves nothing behind at the top of the screen either', () => {
    const screen = open({ columns: 60, rows: 6 })
    screen.painter.clear()
    screen.type('a question that is long enough to need more than one row')
    for (const columns of [30, 60, 20, 100]) {
      screen.resize(columns, 6)
      screen.compare(`${columns}`)
      assert.match(screen.terminal.lines[0] ?? '', /^> a question/)
    }
  })

  it('may be lower than what is shown', () => {
    const screen = open({ columns: 40, rows: 20 })
    screen.press({ type: 'paste', text: 'a\nb\nc\nd\ne', lost: 0 }, { type: 'paste', text: 'f\ng\nh\ni\nj', lost: 0 })
    screen.resize(40, 5)
    screen.compare()
    screen.resize(40, 20)
    screen.compare()
  })
})

describe('any keys, on any terminal', () => {
  const chords = [
    ...['left', 'right', 'up', 'down', 'home', 'end', 'ctrl-left', 'ctrl-right', 'ctrl-p', 'ctrl-n', 'ctrl-home'],
    ...['backspace', 'delete', 'ctrl-w', 'ctrl-u', 'ctrl-k', 'ctrl-y', 'ctrl-_', 'ctrl-t', 'alt-d', 'ctrl-j', 'enter'],
    ...['ctrl-r', 'escape', 'ctrl-c', 'backspace', 'backspace', 'left', 'up', 'ctrl-r', 'tab'],
  ]
  const texts = [
    'a',
    'word ',
    ' ',
    '日本',
    'é',
    'e\u0301',
    '👨‍👩‍👧',
    '🇩🇪',
    '\u200b',
    '"""',
    'o',
    'a longer piece of text ',
  ]

  it('show what they should', () => {
    for (let seed = 1; seed <= 120; seed++) {
      const random = createRandom(seed)
      const screen = open({ columns: 6 + random(40), rows: 3 + random(12), colors: seed % 2 === 0 })
      for (let step = 0; step < 60; step++) {
        const what = random(10)
        if (what < 5) screen.type(texts[random(texts.length)] ?? '')
        else if (what < 9) screen.press(toChord(chords[random(chords.length)] ?? ''))
        else screen.press({ type: 'paste', text: 'x\ty\n'.repeat(random(9)), lost: random(2) })
        screen.compare(`seed ${seed}, step ${step}`)
      }
    }
  })
})
