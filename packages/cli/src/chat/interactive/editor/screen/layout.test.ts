import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { displayWidth } from '../../../../output/width.ts'
import { createRandom } from '../testing/random.ts'
import { createEditorState, insertChip, typeText } from '../text/editor-state.ts'
import { nextUnit } from '../text/units.ts'
import { toFrame, type View } from './frame.ts'
import { layOut, type TextRow, toOffset, toPlace } from './layout.ts'

const none = new Map()
const texts = (rows: readonly TextRow[]) => rows.map(({ cells }) => cells.map((cell) => cell.text).join(''))

describe('the layout of a text', () => {
  it('breaks lines that are too long, between words where it can', () => {
    assert.deepEqual(texts(layOut('one two three', none, 8)), ['one two ', 'three'])
    assert.deepEqual(texts(layOut('abcdefghij', none, 4)), ['abcd', 'efgh', 'ij'])
    assert.deepEqual(texts(layOut('a\n\nb', none, 4)), ['a', '', 'b'])
    assert.deepEqual(texts(layOut('', none, 4)), [''])
  })

  it('has no further row where a line fills one exactly', () => {
    const rows = layOut('abcd', none, 4)
    assert.deepEqual(texts(rows), ['abcd'])
    assert.deepEqual(toPlace(rows, 4), { row: 0, column: 4 })
  })

  it('never breaks within a wide character, or a joined one', () => {
    assert.deepEqual(texts(layOut('日本語', none, 5)), ['日本', '語'])
    assert.deepEqual(texts(layOut('abc👨‍👩‍👧', none, 4)), ['abc', '👨‍👩‍👧'])
    assert.deepEqual(texts(layOut('ein 日本', none, 6)), ['ein 日', '本'])
  })

  it('shows tabs as blanks, chips in brackets, and what cannot be seen as a dot', () => {
    assert.deepEqual(texts(layOut('a\tb', none, 20)), ['a   b'])
    assert.deepEqual(texts(layOut('a\u202eb\u200b', none, 20)), ['a·b·'])
    const { text, chips } = insertChip(createEditorState('see '), { label: 'a picture\u001b.png' })
    assert.deepEqual(texts(layOut(text, chips, 40)), ['see [a picture␛.png]'])
    assert.deepEqual(texts(layOut(text, chips, 8)), ['see ', '[a pict…'])
  })

  it('holds at any width', () => {
    const { text, chips } = insertChip(typeText(createEditorState(), 'a\t日 👨‍👩‍👧\nlong words here'), { label: 'x' })
    for (let width = 0; width < 30; width++) {
      const rows = layOut(text, chips, width)
      for (const { cells } of rows) {
        const used = cells.reduce((sum, cell) => sum + cell.width, 0)
        assert.ok(used <= Math.max(2, width), `${width}`)
        for (const cell of cells) assert.equal(cell.width, displayWidth(cell.text))
      }
      const covered = rows.map((row) => text.slice(row.start, row.end) + (row.endsLine ? '\n' : '')).join('')
      assert.equal(covered, `${text}\n`)
    }
  })
})

describe('places in the layout', () => {
  it('are found again from everywhere', () => {
    const random = createRandom(3)
    const parts = ['a', 'b', ' ', '日', '\n', 'é', '👨‍👩‍👧', '\t', '🇩🇪']
    for (let round = 0; round < 300; round++) {
      const text = Array.from({ length: random(40) }, () => parts[random(parts.length)]).join('')
      const rows = layOut(text, none, 2 + random(12))
      for (let at = 0; at <= text.length; at = at === text.length ? at + 1 : nextUnit(text, at)) {
        assert.equal(toOffset(rows, toPlace(rows, at)), at, JSON.stringify(text))
      }
    }
  })

  it('are the nearest ones in rows that are shorter, and the last of a row that goes on', () => {
    const rows = layOut('abcdefgh\nxy', none, 4)
    assert.equal(toOffset(rows, { row: 2, column: 4 }), 11)
    assert.equal(toOffset(rows, { row: 0, column: 4 }), 3)
    assert.equal(toOffset(rows, { row: 9, column: 0 }), 0)
    assert.equal(toOffset(layOut('日本', none, 8), { row: 0, column: 1 }), 1)
  })
})

describe('a frame', () => {
  const view = (text: string, cursor = text.length): View => ({ text, cursor, chips: none, isBlock: false, below: [] })
  const shown = (frame: ReturnType<typeof toFrame>) =>
    frame.rows.map(({ cells }) => cells.map((cell) => cell.text).join(''))

  it('has the prompt before the text, and blanks before its other rows', () => {
    assert.deepEqual(shown(toFrame(view('one\ntwo'), { columns: 20, rows: 10 })), ['> one', '  two'])
    assert.deepEqual(shown(toFrame({ ...view('"""a\nb'), isBlock: true }, { columns: 20, rows: 10 })), [
      '> """a',
      '… b',
    ])
  })

  it('is a window that moves with the cursor when the text is taller than the screen', () => {
    const text = Array.from({ length: 20 }, (_, index) => `line ${index}`).join('\n')
    const size = { columns: 20, rows: 6 }
    const end = toFrame(view(text), size)
    assert.deepEqual(shown(end), ['↑ line 15', '  line 16', '  line 17', '  line 18', '  line 19'])
    assert.deepEqual([end.cursor, end.top], [{ row: 4, column: 9 }, 15])
    const above = toFrame(view(text, text.indexOf('line 17')), size, end.top)
    assert.deepEqual([above.cursor.row, above.top], [2, 15])
    const start = toFrame(view(text, 0), size, end.top)
    assert.deepEqual(shown(start), ['> line 0', '  line 1', '  line 2', '  line 3', '↓ line 4'])
  })

  it('leaves room for the text where the screen has few rows', () => {
    const row = { cells: [], width: 0 }
    const frame = toFrame({ ...view('a\nb'), below: Array(10).fill(row) }, { columns: 10, rows: 4 })
    assert.deepEqual([frame.rows.length, frame.cursor.row], [3, 1])
    assert.equal(toFrame(view('a\nb'), { columns: 1, rows: 1 }).rows.length, 1)
  })
})
