import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { formatBytes, formatCount, formatDuration, formatPlural, formatTime } from './format.ts'
import { toOneLine, toTerminalText } from './sanitize.ts'
import { toFields, toTable, wrap } from './table.ts'
import { displayWidth, fitWidth, padWidth } from './width.ts'

describe('numbers for people', () => {
  it('are short', () => {
    assert.equal(formatBytes(999), '999 B')
    assert.equal(formatBytes(1_234_567), '1.2 MB')
    assert.equal(formatBytes(98_362_432), '98.4 MB')
    assert.equal(formatBytes(999_999), '1.0 MB')
    assert.equal(formatCount(1234567), '1,234,567')
    assert.equal(formatPlural(1, 'token'), '1 token')
    assert.equal(formatPlural(1200, 'token'), '1,200 tokens')
    assert.equal(formatDuration(240), '0.2 s')
    assert.equal(formatDuration(12_300), '12 s')
    assert.equal(formatDuration(185_000), '3 min 5 s')
  })

  it('leave a time that is none as it is', () => {
    assert.equal(formatTime('yesterday'), 'yesterday')
    assert.match(formatTime('2026-08-14T09:03:00.000Z'), /^2026-08-1\d \d\d:\d\d$/)
  })
})

describe('text of strangers on a terminal', () => {
  it('cannot control it', () => {
    assert.equal(toTerminalText('a\u001b[2Jb\u0007c\u009bd\r\n\te'), 'a␛[2Jb␇c\ufffdd\n\te')
  })

  it('can be put on one line', () => {
    assert.equal(toOneLine(' a\n  b\u001b '), 'a b␛')
    assert.equal(toOneLine('a\u202eb'), 'a\ufffdb', 'what turns a line around is shown')
  })
})

describe('widths', () => {
  it('count the cells of a terminal', () => {
    assert.equal(displayWidth('plain'), 5)
    assert.equal(displayWidth('日本'), 4)
    assert.equal(displayWidth('e\u0301'), 1)
    assert.equal(displayWidth('🐟'), 2)
    assert.equal(displayWidth('a\u200bb'), 2)
  })

  it('are kept by cutting between characters', () => {
    assert.equal(fitWidth('short', 10), 'short')
    assert.equal(fitWidth('日本語', 4), '日…')
    assert.equal(fitWidth('abc', 0), '')
    assert.equal(padWidth('日', 4), '日  ')
    assert.equal(padWidth('7', 3, 'right'), '  7')
  })
})

describe('a table', () => {
  const columns = [{ title: 'ID' }, { title: 'SIZE', align: 'right' as const }, { title: 'TITLE', least: 10 }]
  const rows = [
    ['a1', '12', 'a rather long title of a conversation'],
    ['b22', '7', ''],
  ]

  it('is aligned', () => {
    assert.equal(
      toTable(columns, rows, 80),
      'ID   SIZE  TITLE\na1     12  a rather long title of a conversation\nb22     7\n',
    )
  })

  it('cuts what may be cut when the terminal is narrow', () => {
    const lines = toTable(columns, rows, 30).split('\n')
    assert.equal(lines[1], 'a1     12  a rather long titl…')
  })

  it('becomes blocks where even that does not fit, and cuts nothing', () => {
    assert.equal(
      toTable(columns, rows, 20),
      'ID     a1\nSIZE   12\nTITLE  a rather long\n       title of a\n       conversation\n\nID     b22\nSIZE   7\n',
    )
  })

  it('of fields leaves out what is empty', () => {
    assert.equal(
      toFields(
        [
          ['Name', 'x'],
          ['Longer', ''],
        ],
        80,
      ),
      'Name  x\n',
    )
  })

  it('keeps a word that is longer than the line', () => {
    assert.deepEqual(wrap('a verylongword b', 5), ['a', 'verylongword', 'b'])
  })
})
