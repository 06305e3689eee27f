import { createMarkdownRenderer, type RendererOptions } from './renderer.ts'
import type { Row } from './rows.ts'

export const colorful = { columns: 80, colors: true, plain: false, unicode: true, hyperlinks: false }

// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are taken away
const sequences = /\u001b(?:\[[\d;]*m|\]8;;[^\u001b]*\u001b\\)/g

export const withoutLooks = (text: string): string => text.replace(sequences, '')

/** The rows of a whole text. */
export function renderRows(markdown: string, options: Partial<RendererOptions> = {}): Row[] {
  const renderer = createMarkdownRenderer({ ...colorful, ...options })
  return [...renderer.push(markdown).final, ...renderer.end().final]
}

/** What is read of it. */
export function renderText(markdown: string, options: Partial<RendererOptions> = {}): string[] {
  return renderRows(markdown, options).map(({ text }) => withoutLooks(text))
}

/** The tail while the text is as far as that. */
export function renderTail(markdown: string, options: Partial<RendererOptions> = {}): string[] {
  const renderer = createMarkdownRenderer({ ...colorful, ...options })
  return renderer.push(markdown).tail.map(({ text }) => withoutLooks(text))
}

/** The same numbers from 0 to 1 for the same seed. */
export function createRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

export function* toPieces(text: string, random: () => number, longest: number): Generator<string> {
  for (let at = 0; at < text.length; ) {
    const end = at + 1 + Math.floor(random() * longest)
    yield text.slice(at, end)
    at = end
  }
}

/** Some of everything that models write. */
export const sample = `# Title of **the** answer

Here is *some* text with \`inline code\`, **bold text**, ~~gone~~ and a [link](https://example.com/path_with_underscores). It is long enough to be wrapped at words, and 2*3*4 is a product. See https://example.com/a_b_c/very/long/path/that/goes/on/and/on/and/on/for/ever/and/ever.html.

## Lists
Text before:
1. First
   - nested *one*
   - nested two with a rather long text that has to be wrapped somewhere near the end of the row
     \`\`\`python
     def f(x):
         """A text
         of lines"""
         return x + 1  # comment
     \`\`\`
2. Second
  - lenient
    - deeper

- [ ] to do
- [x] done

> A quote with **bold** text that is long enough to be wrapped on the following row, really.
>
> \`\`\`sh
> ls -la
> \`\`\`

| Name | Count | 说明 |
|:-----|------:|:----:|
| apple | 12 | 日本語 |
| \`b|c\` | 7 | **x** |

| Feature | Description of the thing | Another column with text |
|---|---|---|
| One | This is a long cell with many words that cannot fit in one row at eighty columns at all | And this one has more |
| Two | short | x |

\`\`\`js
const a = \`multi
line \${x}\` // c
/* open
   comment */
let long = [${'1, '.repeat(40)}2]
\`\`\`

Unclosed **bold and \`code

---

    indented code

Math: \\(a_1 * b_2 * c\\) and $x_1$ costs $5 and $10.

\\[
x = \\frac{a_1}{b_2}
\\]

日本語のテキストはスペースがありませんので、行の終わりで文字ごとに折り返す必要があります。**“强调”**后面。
Family 👩‍👩‍👧‍👦 and flag 🇩🇪, footnote[^1] and <b>html</b> &amp; entity.

[^1]: The note.
`
