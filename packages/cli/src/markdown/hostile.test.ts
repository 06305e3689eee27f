import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { loadHighlighter } from './highlight-lines.ts'
import { colorful, createRandom, toPieces } from './render-for-test.ts'
import { createMarkdownRenderer } from './renderer.ts'

const size = 100_000
const many = (text: string) => text.repeat(Math.ceil(size / text.length))

/** Each would take minutes, or overflow a stack, if the work were not linear. */
const texts: Record<string, string> = {
  'one word': many('a'),
  'one line of words': many('word '),
  'nested quotes': many('>'),
  'nested quotes with spaces': many('> '),
  'nested lists': `${many('- ')}x`,
  'lists that go deeper': Array.from({ length: 600 }, (_, depth) => `${' '.repeat(depth)}- x`).join('\n'),
  'marks that open': many('*a '),
  'marks that close': many('a* '),
  'nothing but marks': many('*'),
  'nested emphasis': `${'**a '.repeat(20_000)}${'b** '.repeat(20_000)}`,
  'runs of backticks': Array.from({ length: 500 }, (_, count) => '`'.repeat(count)).join(' '),
  'brackets that open': many('['),
  'links that open': many('[a]('),
  'images that open': many('!['),
  links: many('[a](b) '),
  tags: many('<a '),
  entities: many('&a'),
  formulas: many('\\('),
  prices: many('$a '),
  bars: many('|'),
  'a long table': `|a|b|\n|-|-|\n${many('|x|y|\n')}`,
  'a wide table': `${'|a'.repeat(240)}|\n${'|-'.repeat(240)}|\n${`${'|x'.repeat(240)}|\n`.repeat(100)}`,
  'a row of a table without end': `|a|b|\n|-|-|\n|${many('x')}`,
  'a line of code without end': `\`\`\`js\n${many('x')}`,
  'code that stays open': `\`\`\`js\n${many('let a = `\n').slice(0, 20_000)}`,
  spaces: `${many(' ')}x`,
  tabs: many('\t'),
  'line feeds': many('\n'),
  hashes: many('#'),
  dashes: many('-'),
  'one emoji after the other': many('👩‍💻'),
  'marks on one letter': `e${many('\u0301')}`,
  addresses: many('http://'),
  'one address': `https://${many('a')}`,
  'all of them': many('*_~~[`$<&\\('),
  'a formula without end': `$$\n${many('x')}`,
}

describe('a hostile text', () => {
  for (const [name, text] of Object.entries(texts)) {
    it(`takes bounded time and keeps its words: ${name}`, async () => {
      const highlighter = await loadHighlighter()
      for (const longest of [text.length, 2000]) {
        const renderer = createMarkdownRenderer({ ...colorful, highlighter })
        let rows = 0
        for (const piece of toPieces(text, () => 0.999, longest)) rows += renderer.push(piece).final.length
        rows += renderer.end().final.length
        assert.ok(rows > 0 || text.trim() === '')
      }
    })
  }

  it('of random bytes is shown, and controls nothing', () => {
    const random = createRandom(1)
    for (let round = 0; round < 2; round++) {
      const bytes = Uint8Array.from({ length: 10_000 }, () => Math.floor(random() * 256))
      for (const text of [new TextDecoder().decode(bytes), String.fromCharCode(...bytes)]) {
        for (const options of [colorful, { ...colorful, hyperlinks: true }, { ...colorful, colors: false }]) {
          const renderer = createMarkdownRenderer({ ...options, columns: 40 })
          const rows = [...toPieces(text, random, 50)].flatMap((piece) => renderer.push(piece).final)
          for (const row of [...rows, ...renderer.end().final]) assertHarmless(row.text)
        }
      }
    }
  })
})

/** Nothing but looks and links, which are ours. */
function assertHarmless(text: string): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are taken away
  const rest = text.replace(/\u001b(?:\[[\d;]*m|\]8;;[!-~]*\u001b\\)/g, '').replaceAll('\t', '')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are looked for
  assert.doesNotMatch(rest, /[\u0000-\u001f\u007f-\u009f]/)
}
