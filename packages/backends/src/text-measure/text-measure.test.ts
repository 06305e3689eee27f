import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { measureText } from './text-measure.ts'

describe('measureText', () => {
  it('bounds English from both sides: a word is a token at least, half a letter at most', () => {
    const { fewest, expected, most } = measureText('The quick  brown fox,\njumps.')
    assert.equal(fewest, 5)
    assert.equal(most, Math.ceil((5 + 3 + 5 + 5 + 3 + 5) / 2) + 2)
    assert.ok(expected <= fewest)
  })

  it('counts bytes where letters are many of them', () => {
    assert.deepEqual(measureText('漢字かなカナ한글'), { most: 24, fewest: 1, expected: 2 })
    assert.equal(measureText('é').most, 2)
    assert.equal(measureText('🐟').most, 4)
  })

  it('expects little of runs of one character', () => {
    assert.equal(measureText('='.repeat(8000)).expected, 0)
    assert.equal(measureText(' '.repeat(8000)).expected, 0)
  })

  it('has nothing to say of nothing', () => assert.deepEqual(measureText(''), { most: 0, fewest: 0, expected: 0 }))
})
