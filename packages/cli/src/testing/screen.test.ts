import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createScreen } from './screen.ts'

describe('the screen of the tests', () => {
  it('wraps as a terminal does, only when the next character comes', () => {
    const screen = createScreen({ columns: 4, rows: 3 })
    screen.write('abcd')
    assert.deepEqual([screen.line, screen.column], [0, 3])
    screen.write('\r\n')
    assert.deepEqual([screen.line, screen.column], [1, 0])
    screen.write('efghij')
    assert.deepEqual(screen.lines, ['abcd', 'efgh', 'ij'])
    assert.deepEqual(screen.copied, ['abcd', 'efghij'])
  })

  it('cuts a row where wrapping is off', () => {
    const screen = createScreen({ columns: 4, rows: 3 })
    screen.write('\u001b[?7labcdef\u001b[?7h')
    assert.deepEqual(screen.lines, ['abcf'])
  })

  it('scrolls, and moves no higher than its top', () => {
    const screen = createScreen({ columns: 9, rows: 2 })
    screen.write('one\r\ntwo\r\nthree\u001b[9A\rX')
    assert.deepEqual(screen.lines, ['one', 'Xwo', 'three'])
  })

  it('erases to the right and below, and takes the last column along', () => {
    const screen = createScreen({ columns: 4, rows: 3 })
    screen.write('abcd\u001b[K\r\nef\r\ngh\u001b[2A\r\u001b[C\u001b[J')
    assert.deepEqual(screen.lines, ['a'])
  })

  it('keeps wide characters whole and puts marks on what is before them', () => {
    const screen = createScreen({ columns: 3, rows: 3 })
    screen.write('a日本e\u0301')
    assert.deepEqual(screen.lines, ['a日', '本e\u0301'])
  })

  it('moves the cursor with its character when it is resized', () => {
    const screen = createScreen({ columns: 10, rows: 5 })
    screen.write('abcdefghij\r\nklm\r\nnop\u001b[A\r')
    screen.resize(4)
    assert.deepEqual(screen.lines, ['abcd', 'efgh', 'ij', 'klm', 'nop'])
    assert.deepEqual([screen.line, screen.column], [3, 0])
    screen.resize(20)
    assert.deepEqual(screen.lines, ['abcdefghij', 'klm', 'nop'])
    assert.deepEqual([screen.line, screen.column], [1, 0])
  })

  it('cuts its rows instead, as xterm does', () => {
    const screen = createScreen({ columns: 10, rows: 5, reflows: false })
    screen.write('abcdefghij\r\nk')
    screen.resize(4)
    assert.deepEqual(screen.lines, ['abcd', 'k'])
  })

  it('knows tabs, links, looks and a hidden cursor, and says what it does not know', () => {
    const screen = createScreen({ columns: 20, rows: 2 })
    screen.write(
      '\u001b[?25la\tb\u001b]8;;http://x\u001b\\\u001b[1mc\u001b[m\u001b]8;;\u001b\\\u001b[2J\u001b[?1h\u001bZ',
    )
    assert.equal(screen.lines[0]?.slice(0, 10), 'a       bc')
    assert.equal(screen.isCursorShown, false)
    assert.deepEqual(screen.unknown, ['2J', '?1', '\u001bZ'])
  })
})
