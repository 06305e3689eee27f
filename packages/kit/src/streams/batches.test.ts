import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { batches, fromBatches, toBatches } from './batches.ts'

function twoBatches() {
  const seen: string[] = []
  async function* source(): AsyncGenerator<readonly string[]> {
    try {
      yield ['a', 'b']
      yield ['c']
    } finally {
      seen.push('left')
    }
  }
  return { stream: fromBatches(source()), seen }
}

async function* alone(): AsyncGenerator<string> {
  yield* ['a', 'b']
}

describe('a stream of batches', () => {
  it('is read one by one, or as it comes', async () => {
    assert.deepEqual(await Array.fromAsync(twoBatches().stream), ['a', 'b', 'c'])
    assert.deepEqual(await Array.fromAsync(toBatches(twoBatches().stream)), [['a', 'b'], ['c']])
    assert.deepEqual(await Array.fromAsync(twoBatches().stream[batches]()), [['a', 'b'], ['c']])
  })

  it('that offers none gives each item alone', async () => {
    assert.deepEqual(await Array.fromAsync(toBatches(alone())), [['a'], ['b']])
  })

  it('is left by who leaves in the middle of a batch', async () => {
    const { stream, seen } = twoBatches()
    for await (const item of stream) {
      assert.equal(item, 'a')
      break
    }
    assert.deepEqual(seen, ['left'])
  })

  it('is known by its symbol to another copy of the kit', () => {
    assert.equal(batches, Symbol.for('lmapp.batches'))
  })
})
