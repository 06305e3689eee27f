import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { lineEnd, lineStart, nextUnit, nextWord, previousUnit, previousWord, toUnitEnd, units } from './units.ts'

const family = '👨‍👩‍👧'
const flag = '🇩🇪'
const accent = 'e\u0301'
const chip = '\u{10f000}'

describe('what the cursor steps over', () => {
  it('is a character as people see it', () => {
    const parts = ['a', accent, family, flag, '日', '\n', chip, '\u0301', 'b']
    assert.deepEqual([...units(parts.join(''))], parts)
  })

  it('is the same in both directions', () => {
    const text = `a${accent}${family}\n${flag}${chip}x`
    const forward: number[] = []
    for (let at = 0; at < text.length; at = nextUnit(text, at)) forward.push(at)
    const back: number[] = []
    for (let at = text.length; at > 0; ) {
      at = previousUnit(text, at)
      back.unshift(at)
    }
    assert.deepEqual(back, forward)
    assert.equal(nextUnit(text, text.length), text.length)
    assert.equal(previousUnit(text, 0), 0)
  })

  it('never ends within a character', () => {
    assert.equal(toUnitEnd(accent, 1), 2)
    assert.equal(toUnitEnd(`x\n${family}y`, 4), 2 + family.length)
    assert.equal(toUnitEnd('abc', 2), 2)
  })
})

describe('lines', () => {
  it('begin behind a line break, and end before one', () => {
    const text = 'one\n\ntwo'
    assert.deepEqual(
      [0, 2, 3, 4, 5, 8].map((at) => [lineStart(text, at), lineEnd(text, at)]),
      [
        [0, 3],
        [0, 3],
        [0, 3],
        [4, 4],
        [5, 8],
        [5, 8],
      ],
    )
  })
})

describe('words', () => {
  const stops = (text: string, kind?: 'blanks') => {
    const found: number[] = []
    for (let at = 0; at < text.length; found.push(at)) at = nextWord(text, at, kind)
    return found
  }

  it('are runs of letters and digits', () => {
    assert.deepEqual(stops('one, two_2.three'), [3, 10, 16])
    assert.equal(previousWord('one, two  ', 10), 5)
    assert.equal(previousWord('one', 0), 0)
    assert.equal(previousWord('größe', 5), 0)
    assert.equal(previousWord('a\nb', 2), 0)
  })

  it('are what stands between blanks, for Ctrl-W', () => {
    assert.deepEqual(stops('one, two.x three', 'blanks'), [4, 10, 16])
    assert.equal(previousWord('see /a/b-c ', 11, 'blanks'), 4)
  })

  it('are chips too, each by itself', () => {
    assert.deepEqual(stops(`a${chip}${chip}b`), [1, 3, 5, 6])
    assert.equal(previousWord(`a ${chip}`, 4), 2)
  })
})
