import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { toProbability } from './probability.ts'

describe('the probability of a token', () => {
  it('is the same each time, and another one for another token', () => {
    assert.deepEqual(toProbability('sea', 3), toProbability('sea', 3))
    assert.notEqual(toProbability('sea', 0).logprob, toProbability('ship', 0).logprob)
  })

  it('stands before as many others as are wanted, each one once, which together are not more than certain', () => {
    for (const token of ['sea', 'the ', '', '🐟']) {
      const { top = [], logprob } = toProbability(token, 20)
      assert.deepEqual(top[0], { token, logprob })
      assert.equal(new Set(top.map((each) => each.token)).size, 20)
      assert.ok(top.reduce((sum, each) => sum + Math.exp(each.logprob), 0) < 1.001)
      assert.deepEqual(
        top,
        top.toSorted((one, other) => other.logprob - one.logprob),
      )
    }
    assert.equal(toProbability('sea', 0).top, undefined)
  })
})
