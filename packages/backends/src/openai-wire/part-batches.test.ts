import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isLmappError, LmappError, type Part } from 'lmapp-kit'
import { withErrors } from './index.ts'

const text = (word: string): Part => ({ type: 'text-delta', text: word })

describe('batches whose errors are told in other words', () => {
  it('are the same, and are left by who leaves', async () => {
    const left: string[] = []
    async function* answer() {
      try {
        yield [text('a')]
        throw new LmappError('engine-died', 'It is gone.')
      } finally {
        left.push('left')
      }
    }
    const reworded = () => withErrors(answer(), async () => new LmappError('engine-failed', 'It failed.'))
    await assert.rejects(Array.fromAsync(reworded()), (error) => isLmappError(error, 'engine-failed'))
    for await (const batch of reworded()) {
      assert.deepEqual(batch, [text('a')])
      break
    }
    assert.deepEqual(left, ['left', 'left'])
  })
})
