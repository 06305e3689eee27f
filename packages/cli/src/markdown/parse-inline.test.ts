import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { renderRows, renderTail, renderText } from './render-for-test.ts'

const shown = (markdown: string) => renderText(markdown, { columns: 400 }).join('\n')
// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are replaced
const looks = /\u001b\[[\d;]+m/g
/** With `<…>` around what looks other than the rest. */
const marked = (markdown: string, hyperlinks = false) =>
  renderRows(markdown, { columns: 400, hyperlinks })
    .map(({ text }) => text.replaceAll('\u001b[m', '>').replace(looks, '<'))
    .join('\n')

describe('emphasis', () => {
  it('is that of CommonMark', () => {
    assert.equal(marked('*a* _b_ **c** __d__ ***e*** ~~f~~ **g *h* i**'), '<a> <b> <c> <d> <e> <f> <g ><h>< i>')
    assert.equal(marked('a * b snake_case_name 2 * 3 ** 4'), 'a * b snake_case_name 2 * 3 ** 4')
    assert.equal(marked('**a*'), '*<a>')
    assert.equal(marked('*a\nb*'), '<a>\n<b>')
  })

  it('is not found in products, prices, paths and about signs', () => {
    for (const text of ['2*3*4', 'a ~5 and ~6', '$5*2 and $6*3', 'a__init__']) {
      assert.equal(shown(text), text)
    }
  })

  it('works where words are not parted by spaces', () => {
    assert.equal(marked('这是**“重点”**的'), '这是<“重点”>的')
  })

  it('that never ends is shown as it was written', () => {
    assert.equal(shown('a **b `c'), 'a **b `c')
    assert.match(shown(`**a ${'word '.repeat(600)}b**`), /^\*\*a word[^*]*b\*\*$/)
  })
})

describe('inline code', () => {
  it('shows everything in it', () => {
    assert.equal(marked('`a*b*` ``c`d`` `` ` `` `&amp;`'), '<a*b*> <c`d> <`> <&amp;>')
  })
})

describe('a link', () => {
  it('shows where it leads', () => {
    assert.equal(shown('[a *b*](http://x.org/c_d "title") [](y) [e](<f g>)'), 'a b (http://x.org/c_d) (y) e (f g)')
    assert.equal(
      shown('[http://x.org](http://x.org) <http://y.org> <mailto:a@b.org>'),
      'http://x.org http://y.org mailto:a@b.org',
    )
  })

  it('can be clicked where the terminal knows links, and hides nothing then', () => {
    const link = (url: string, text: string) => `\u001b]8;;${url}\u001b\\<${text}>\u001b]8;;\u001b\\`
    assert.equal(marked('[a](http://x.org/ü)', true), link('http://x.org/%C3%BC', 'a'))
    assert.equal(marked('http://x.org.', true), `${link('http://x.org', 'http://x.org')}.`)
    assert.equal(marked('[bank.com](http://evil.org)', true), '<bank.com>< (http://evil.org)>')
    assert.equal(marked('[a](javascript:alert)', true), '<a>< (javascript:alert)>')
  })

  it('is none without a target: notes, references, places in a list', () => {
    for (const text of ['a[0]', '[1]', '[^1]', '[a][b]', '[a] (b)', '[a](b c)', '![']) assert.equal(shown(text), text)
  })

  it('ends before the punctuation of its sentence', () => {
    assert.equal(marked('(http://x.org/a_(b)), **http://y.org**。'), '(<http://x.org/a_(b)>), <http://y.org>。')
  })
})

describe('escapes and entities', () => {
  it('are what they stand for', () => {
    assert.equal(shown('\\*a\\* &lt;b&gt; &#65;&#x42; &nope; & AT&T \\q'), '*a* <b> AB &nope; & AT&T \\q')
    assert.equal(shown('a\\\nb<br>c<br/>\nd'), 'a\nb\nc\nd')
  })

  it('cannot control the terminal', () => {
    assert.equal(shown('&#27;[2J &#7; &#0; &#xd800; &#x9b;1m'), '␛[2J ␇ \ufffd \ufffd \ufffd1m')
    assert.equal(shown('a\u001b]8;;x\u0007b'), 'a␛]8;;x␇b')
    assert.equal(shown('[a](http://x\u001b\\y)').includes('\u001b'), false)
  })
})

describe('text that is not closed yet', () => {
  const tail = (markdown: string) => renderTail(markdown).join('|')

  it('does not flash its marks', () => {
    assert.equal(tail('a **bo'), 'a bo')
    assert.equal(tail('a **bold*'), 'a bold')
    assert.equal(tail('a `co'), 'a co')
    assert.equal(tail('a [li'), 'a li')
    assert.equal(tail('a [link](http://exa'), 'a link')
    assert.equal(tail('a ~~gon'), 'a gon')
    assert.equal(tail('a *'), 'a')
    assert.equal(tail('a <http'), 'a http')
    assert.equal(tail('## '), '')
    assert.equal(tail('```py'), '')
    assert.equal(tail('- '), '')
    assert.equal(tail('| a | b |'), 'a  b')
    assert.equal(tail('| a | b |\n|--'), 'a  b')
  })

  it('shows what is no mark at once', () => {
    assert.equal(tail('list[0'), 'list[0')
    assert.equal(tail('2*3'), '2*3')
  })
})
