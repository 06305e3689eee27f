import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Highlighter, loadHighlighter } from './highlight-lines.ts'
import { colorful, createRandom, renderRows, sample, toPieces } from './render-for-test.ts'
import { createMarkdownRenderer, type RendererOptions } from './renderer.ts'

/** Any of them may be cut, nested and left open. */
const fragments = [
  ...[
    '**',
    '*',
    '_',
    '__',
    '`',
    '``',
    '```',
    '~~',
    '[',
    '](',
    '](http://x.y)',
    ')',
    '!',
    '\\',
    '\\(',
    '\\)',
    '$',
    '$$',
  ],
  ...[
    '\n',
    '\n\n',
    '\n- ',
    '\n1. ',
    '\n> ',
    '    ',
    '\n# ',
    '\n---\n',
    '\n```js\n',
    '\n```\n',
    '\n  - ',
    '- [ ] ',
    '\t',
  ],
  ...['|', '\n| a | b |\n|---|---|\n| c | d |', '&amp;', '&', '<b>', '<', '<br>', 'https://a.b/c_d', 'http', ' ', '  '],
  ...[
    '日本語',
    '👩‍💻',
    'e\u0301',
    '🇩🇪',
    '🇩',
    '\ufe0f',
    '⌚',
    '\u001b[2J',
    '.',
    ',',
    '1',
    '#',
    'a',
    '\\[',
    '\\]',
    '-',
    '~~~',
  ],
]

function compose(random: () => number): string {
  const count = 5 + Math.floor(random() * 80)
  return Array.from({ length: count }, () =>
    random() < 0.35 ? 'some plain words, ' : fragments[Math.floor(random() * fragments.length)],
  ).join('')
}

interface Streamed {
  rows: string[]
  longestTail: number
}

function stream(pieces: Iterable<string>, options: RendererOptions): Streamed {
  const renderer = createMarkdownRenderer(options)
  const rows: string[] = []
  let longestTail = 0
  for (const piece of pieces) {
    const { final, tail } = renderer.push(piece)
    for (const { text } of final) rows.push(text)
    longestTail = Math.max(longestTail, tail.length)
    for (const { width } of tail) assert.ok(width <= options.columns)
  }
  for (const { text } of renderer.end().final) rows.push(text)
  return { rows, longestTail }
}

describe('the pieces in which an answer comes', () => {
  let highlighter: Highlighter

  it('do not change what is on the screen at the end', async () => {
    highlighter = await loadHighlighter()
    const random = createRandom(1)
    for (const columns of [40, 80, 120]) {
      for (const colors of [true, false]) {
        const options = { ...colorful, columns, colors, highlighter }
        const whole = renderRows(sample, options).map(({ text }) => text)
        for (const longest of [3, 30]) {
          assert.deepEqual(stream(toPieces(sample, random, longest), options).rows, whole)
        }
      }
    }
  })

  for (const seed of [2, 3, 4]) {
    it(`do not, whatever the text is (${seed})`, () => {
      const random = createRandom(seed)
      for (let round = 0; round < 20; round++) {
        const text = compose(random)
        for (const columns of [20, 40, 80]) {
          const options = { ...colorful, columns, colors: round % 2 === 0 }
          const whole = renderRows(text, options).map((row) => row.text)
          assert.deepEqual(stream(text, options).rows, whole, JSON.stringify(text))
          assert.deepEqual(stream(toPieces(text, random, 12), options).rows, whole, JSON.stringify(text))
        }
      }
    })
  }

  it('may cut a character in two', () => {
    const halves = [...'a👩b'].flatMap((character) => character.split(''))
    assert.deepEqual(stream(halves, colorful).rows, ['a👩b'])
    assert.equal(stream(['a\ud83d'], colorful).rows[0]?.length, 2)
  })
})

describe('the tail', () => {
  it('is the last row of a paragraph, where nothing in it is open', () => {
    const words = 'The lighthouse keeper wrote down what he saw that day. '.repeat(40)
    // The last character may yet be joined by an accent, so that it does not decide where a row ends.
    assert.ok(stream(toPieces(words, createRandom(1), 5), colorful).longestTail <= 2)
  })

  it('is one row within code, also while it is long', () => {
    const code = `\`\`\`\n${'let a = 1\n'.repeat(200)}\`\`\`\n`
    assert.equal(stream(toPieces(code, createRandom(1), 5), colorful).longestTail, 1)
  })

  it('goes back to what is open, but not far', () => {
    for (const opened of ['**', '`', '[', '\\(', '*a* _']) {
      const text = `${opened}${'some more words '.repeat(300)}`
      assert.ok(stream(toPieces(text, createRandom(1), 5), colorful).longestTail <= 8)
    }
  })

  it('is less than half a screen of a table', () => {
    const table = `|a|b|\n|-|-|\n${'|some words|and some more of them|\n'.repeat(60)}`
    assert.ok(stream(toPieces(table, createRandom(1), 5), colorful).longestTail <= 12)
  })

  it('of a usual answer is a few rows', () => {
    for (const columns of [40, 80, 120]) {
      assert.ok(stream(sample, { ...colorful, columns }).longestTail <= 14)
    }
  })
})

describe('a resize', () => {
  it('lays out anew what is not final, and what follows', () => {
    const renderer = createMarkdownRenderer({ ...colorful, columns: 20 })
    const first = renderer.push('one two three four five six seven eight')
    assert.deepEqual(
      first.final.map(({ text }) => text),
      ['one two three four'],
    )
    const wide = renderer.setColumns(40)
    assert.deepEqual(wide.final, [])
    assert.deepEqual(
      wide.tail.map(({ text }) => text),
      ['five six seven eight'],
    )
    assert.deepEqual(
      renderer.push(' nine ten').tail.map(({ text }) => text),
      ['five six seven eight nine ten'],
    )
    const narrow = renderer.setColumns(10)
    assert.deepEqual(
      narrow.final.map(({ text }) => text),
      ['five six', 'seven', 'eight nine'],
    )
  })

  it('keeps every word, at any time and width', () => {
    const random = createRandom(7)
    const read = (text: string) => text.replace(/[^\p{L}\p{N}]/gu, '')
    const words = sample.replace(/^\|.*$/gm, '')
    const whole = read(
      renderRows(words, { colors: false, columns: 200 })
        .map(({ text }) => text)
        .join(''),
    )
    const renderer = createMarkdownRenderer({ ...colorful, colors: false })
    const rows: string[] = []
    for (const piece of toPieces(words, random, 30)) {
      for (const { text } of renderer.push(piece).final) rows.push(text)
      for (const { text } of renderer.setColumns(10 + Math.floor(random() * 100)).final) rows.push(text)
    }
    for (const { text } of renderer.end().final) rows.push(text)
    assert.equal(read(rows.join('')), whole)
  })
})
