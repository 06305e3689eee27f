import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { loadHighlighter } from './highlight-lines.ts'
import { renderRows, renderTail, renderText } from './render-for-test.ts'

describe('a heading', () => {
  it('loses its marks where there are looks', () => {
    const [row] = renderRows('## A *b* c ##\n')
    assert.equal(row?.text, '\u001b[1;36mA \u001b[m\u001b[1;3;36mb\u001b[m\u001b[1;36m c\u001b[m')
  })

  it('keeps them without, and hangs what does not fit', () => {
    assert.deepEqual(renderText('# one two three four', { colors: false, columns: 12 }), ['# one two', '  three four'])
  })

  it('has room above it, and needs a space', () => {
    assert.deepEqual(renderText('a\n# b\nc\n#d'), ['a', '', 'b', 'c', '#d'])
  })
})

describe('a paragraph', () => {
  it('is wrapped at words and keeps its own line breaks', () => {
    assert.deepEqual(renderText('one two three\nfour', { columns: 9 }), ['one two', 'three', 'four'])
  })

  it('is exactly as wide as the terminal where that fits', () => {
    assert.deepEqual(renderText('abcd efghi jk', { columns: 10 }), ['abcd efghi', 'jk'])
  })

  it('leaves an address whole, for the terminal to break', () => {
    const url = 'https://example.com/a/rather/long/path'
    assert.deepEqual(renderText(`see ${url}, or not`, { columns: 20 }), ['see', `${url},`, 'or not'])
  })

  it('breaks any other word that is longer than a row', () => {
    assert.deepEqual(renderText('abcdefghijkl m', { columns: 5 }), ['abcde', 'fghij', 'kl m'])
  })

  it('breaks text without spaces between characters, but not before what closes', () => {
    assert.deepEqual(renderText('日本語テキスト。次', { columns: 14 }), ['日本語テキス', 'ト。次'])
    assert.deepEqual(renderText('これは「引用」', { columns: 9 }), ['これは', '「引用」'])
  })

  it('leaves no spaces at the end of its rows', () => {
    for (const { text } of renderRows('word  *word * word  \n\n> a\n>\n> b', { columns: 7 })) {
      assert.equal(text, text.trimEnd())
    }
  })
})

describe('a list', () => {
  it('hangs, nests and counts', () => {
    const markdown = '3. one two three four five six\n3. b\n   - c\n     - d\n       - e\n         - f\n10. g'
    assert.deepEqual(renderText(markdown, { columns: 24 }), [
      '3. one two three four',
      '   five six',
      '4. b',
      '   • c',
      '     ◦ d',
      '       ▪ e',
      '         • f',
      '5. g',
    ])
  })

  it('leaves room for its words, however deep it is', () => {
    const deep = Array.from({ length: 14 }, (_, depth) => `${' '.repeat(2 * depth)}- word word`).join('\n')
    for (const row of renderText(deep, { columns: 20 })) assert.match(row, /word word$/)
  })

  it('nests below a number also where the indent is two', () => {
    assert.deepEqual(renderText('1. a\n  - b\n  - c\n2. d'), ['1. a', '   • b', '   • c', '2. d'])
  })

  it('goes on after code in it, and starts again with its number after text', () => {
    assert.deepEqual(renderText('1. a\n\n   ```\n   x\n   ```\n2. b\n\ntext\n\n3. c'), [
      '1. a',
      '',
      '   x',
      '',
      '2. b',
      '',
      'text',
      '',
      '3. c',
    ])
  })

  it('shows the marker of an item that begins with code, or has no words', () => {
    assert.deepEqual(renderText('- ```sh\n  ls\n  ```\n-\n- b'), ['•', '  sh', '  ls', '', '•', '• b'])
  })

  it('may be loose or tight, as it was written', () => {
    assert.deepEqual(renderText('- a\n- b\n\n- c'), ['• a', '• b', '', '• c'])
  })

  it('has boxes for tasks', () => {
    assert.deepEqual(renderText('- [ ] a\n- [x] b\n1. [X] c'), ['☐ a', '☑ b', '1. ☑ c'])
    assert.deepEqual(renderText('- [ ] a\n- b', { unicode: false }), ['[ ] a', '- b'])
  })

  it('is none where a number or a dash stands in a sentence', () => {
    assert.deepEqual(renderText('It was in\n1986. A year\n-5 degrees'), ['It was in', '1986. A year', '-5 degrees'])
  })
})

describe('a quote', () => {
  it('has a bar, also over its blank rows', () => {
    assert.deepEqual(renderText('> a\n>\n> > b\nlazy\n\nc'), ['│ a', '│', '│ │ b', '│ │ lazy', '', 'c'])
    assert.deepEqual(renderText('> a', { unicode: false }), ['> a'])
  })

  it('has none beside code', () => {
    assert.deepEqual(renderText('> ```\n> x\n> ```'), ['  x'])
  })
})

describe('a table', () => {
  const table = '| Name | Count | 说明 |\n|:-----|------:|:----:|\n| apple | 12 | 日本語 |\n| `b|c` | 7 | **x** |'

  it('is aligned by cells of the terminal', () => {
    assert.deepEqual(renderText(table), [
      'Name   Count   说明',
      '─────  ─────  ──────',
      'apple     12  日本語',
      'b|c        7    x',
    ])
  })

  it('wraps its cells where it is too wide', () => {
    const wide = '|A|B|\n|-|-|\n|first|some words that do not fit|\n|second|x|'
    assert.deepEqual(renderText(wide, { columns: 26 }), [
      'A       B',
      '──────  ───',
      'first   some words that do',
      '        not fit',
      'second  x',
    ])
  })

  it('becomes lines of label and value where even that is not readable', () => {
    const wide = '|Name|Description|Remarks|\n|-|-|-|\n|apple|a rather round fruit|none|\n|pear||https://x.org|'
    assert.deepEqual(renderText(wide, { columns: 24 }), [
      'Name: apple',
      'Description:',
      '  a rather round fruit',
      'Remarks: none',
      '',
      'Name: pear',
      'Remarks: https://x.org',
    ])
  })

  it('goes on with its columns when they were chosen, and wraps what is wider', () => {
    const rows = Array.from({ length: 12 }, (_, row) => `|${row}|${row === 11 ? 'much wider than that' : 'word'}|1|`)
    assert.deepEqual(renderText(`|a|b|c|\n|-|-|-:|\n${rows.join('\n')}`).slice(-6), [
      '9     word         1',
      '10    word         1',
      '11    much         1',
      '      wider',
      '      than',
      '      that',
    ])
  })

  it('loses no cell that is too much, and needs none', () => {
    assert.deepEqual(renderText('a | b\n--- | ---\n1 | 2 | 3\n4 |\n5\n\n|x|\n|-|'), [
      'a  b',
      '─  ───',
      '1  2 | 3',
      '4',
      '',
      '5',
      '',
      'x',
      '───',
    ])
  })

  it('is none without the line below its head', () => {
    assert.deepEqual(renderText('| a | b |\n| c | d |'), ['| a | b |', '| c | d |'])
    assert.deepEqual(renderText('| a | b |\n|---|\nx'), ['| a | b |', '|---|', 'x'])
  })

  it('ends where text begins', () => {
    assert.deepEqual(renderText('|a|\n|-|\n|b|\ntext').slice(-2), ['', 'text'])
  })

  it('breaks the line where a cell does', () => {
    assert.deepEqual(renderText('|a|b|\n|-|-|\n|1<br>2|3|').slice(2), ['1  3', '2'])
  })
})

describe('code', () => {
  it('is left as it is, under its language', () => {
    const long = `x = ${'1 + '.repeat(30)}`
    assert.deepEqual(renderText(`\`\`\`python title="a"\n${long}\n\n  \ty\n\`\`\``, { columns: 20 }), [
      'python title="a"',
      long.trimEnd(),
      '',
      '  \ty',
    ])
  })

  it('ends at a fence of its own kind that is long enough, or at the end', () => {
    assert.deepEqual(renderText('````\n```\n````\na'), ['```', '', 'a'])
    assert.deepEqual(renderText('~~~\n```\n~~~\na'), ['```', '', 'a'])
    assert.deepEqual(renderText('```\nopen'), ['open'])
  })

  it('keeps its fences where there are no colours', () => {
    assert.deepEqual(renderText('```js\na\n```', { colors: false }), ['```js', 'a', '```'])
  })

  it('may be indented', () => {
    assert.deepEqual(renderText('a\n\n    b\n\n      c\n\nd'), ['a', '', 'b', '', '  c', '', 'd'])
  })

  it('is highlighted over several lines', async () => {
    const markdown = '```js\nlet a = `x\ny` + 1 /* b\nc */ + 2\n```\n```nothing\n1\n```'
    const rows = renderRows(markdown, { highlighter: await loadHighlighter() }).map(({ text }) => text)
    assert.deepEqual(rows.slice(1, 4), [
      '\u001b[35mlet\u001b[m a = \u001b[32m`x\u001b[m',
      '\u001b[32my`\u001b[m + \u001b[33m1\u001b[m \u001b[2m/* b\u001b[m',
      '\u001b[2mc */\u001b[m + \u001b[33m2\u001b[m',
    ])
    assert.equal(rows.at(-1), '\u001b[36m1\u001b[m')
  })
})

describe('what a terminal cannot show', () => {
  it('stays as it was written: formulas, footnotes, HTML', () => {
    const markdown =
      'a \\(x_1 * y_1 * z\\) $a_1 * b_1 *$ b[^1]\n\n\\[\n  a_1\n  b_1\n\\]\n\n$$\nc\n$$\n\n[^1]: n\n<p class="a_b_c">*d*</p>'
    assert.deepEqual(renderText(markdown), [
      'a \\(x_1 * y_1 * z\\) $a_1 * b_1 *$ b[^1]',
      '',
      '\\[',
      '  a_1',
      '  b_1',
      '\\]',
      '',
      '$$',
      'c',
      '$$',
      '',
      '[^1]: n',
      '<p class="a_b_c">d</p>',
    ])
  })

  it('is said: an image, a rule', () => {
    assert.deepEqual(renderText('![a cat](cat.png)\n\n***'), ['[image: a cat] (cat.png)', '', '─'.repeat(40)])
  })
})

describe('a screen reader', () => {
  it('gets lines without decoration, and words for what is only seen', () => {
    const markdown = '# A\n\n- [x] *b*\n- c\n\n|d|e|\n|-|-|\n|1|2|\n\n> f\n\n```js\ng\n```\n---'
    assert.deepEqual(renderText(markdown, { plain: true, colors: false }), [
      'A',
      '',
      'done: b',
      '- c',
      '',
      'd: 1',
      'e: 2',
      '',
      '> f',
      '',
      'code, js:',
      'g',
      'end of code',
      '',
      '---',
    ])
  })

  it('gets no row twice and none cut', () => {
    const words = 'word '.repeat(100).trim()
    assert.deepEqual(renderText(words, { plain: true, columns: 40 }), [words])
    assert.deepEqual(renderTail(words, { plain: true }), [])
  })
})
