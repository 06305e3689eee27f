import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LmappError } from 'lmapp-kit'
import { withUsefulHint } from './prompt-estimate.ts'
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

describe('withUsefulHint', () => {
  const error = new LmappError('context-overflow', 'Too long.', { details: { contextLength: 8 }, cause: 'engine' })

  it('offers a larger context where the model has more', () => {
    const hinted = withUsefulHint(error, false)
    assert.equal(hinted, error)
    assert.match(hinted.hint, /-o num_ctx=N/)
  })

  it('offers another model where this one has no more', () => {
    for (const code of ['context-overflow', 'prompt-truncated'] as const) {
      const { details, cause } = error
      const hinted = withUsefulHint(new LmappError(code, 'Too long.', { ...(details && { details }), cause }), true)
      assert.match(hinted.hint, /lmapp models list/)
      assert.doesNotMatch(hinted.hint, /num_ctx/)
      assert.deepEqual([hinted.code, hinted.message, hinted.details, hinted.cause], [code, 'Too long.', details, cause])
    }
  })

  it('leaves other errors as they are', () => {
    const other = new LmappError('engine-failed', 'It failed.')
    assert.equal(withUsefulHint(other, true), other)
    assert.equal(withUsefulHint('no error', true), 'no error')
  })
})
