import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createTokenHold } from './token-probabilities.ts'

function told(list: unknown, alternatives?: number) {
  const hold = createTokenHold(alternatives)
  hold.add(list)
  return hold.tell({ type: 'text-delta', text: 'a' }).logprobs
}

describe('what is said of tokens', () => {
  it('waits for the text, and is told once', () => {
    const hold = createTokenHold()
    hold.add([{ token: 'a', logprob: -1 }])
    hold.add([{ token: 'b', logprob: -2 }])
    const delta = { type: 'text-delta' as const, text: 'ab' }
    assert.deepEqual(hold.tell(delta).logprobs, [
      { token: 'a', logprob: -1 },
      { token: 'b', logprob: -2 },
    ])
    assert.equal(hold.tell(delta), delta)
  })

  it('has the best alternatives first, no more than were asked for', () => {
    const top_logprobs = [
      { token: 'b', logprob: -3 },
      { token: 'c', logprob: -0.1, bytes: [99] },
      { token: 'a', logprob: -2 },
    ]
    const list = [{ id: 7, token: 'a', logprob: -2, top_logprobs }]
    const best = [
      { token: 'c', logprob: -0.1 },
      { token: 'a', logprob: -2 },
    ]
    assert.deepEqual(told(list, 2), [{ token: 'a', logprob: -2, top: best }])
    assert.deepEqual(told(list, 0), [{ token: 'a', logprob: -2 }])
    assert.equal(told(list)?.[0]?.top?.length, 3)
  })

  it('is a logarithm that JSON can hold, of a probability no greater than 1', () => {
    const list = [-1e38, null, 1e-9].map((logprob) => ({ token: 'a', logprob }))
    assert.deepEqual(
      told(list)?.map(({ logprob }) => logprob),
      [-9999, -9999, 0],
    )
    assert.deepEqual(told([{ token: '\ud83d', logprob: -1 }]), [{ token: '\ufffd', logprob: -1 }])
  })

  it('is left out where it is no token', () => {
    for (const list of [undefined, 7, {}, [null, 'a', { token: 1, logprob: -1 }, { token: 'a', logprob: '-1' }]]) {
      assert.equal(told(list), undefined)
    }
    assert.deepEqual(told([{ token: 'a', logprob: -1, top_logprobs: [1, { token: 'b' }] }]), [
      { token: 'a', logprob: -1 },
    ])
  })
})
