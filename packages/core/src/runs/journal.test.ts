import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { joinDeltas } from './journal.ts'

const text = (value: string) => ({ type: 'text-delta', text: value }) as const
const thought = (value: string) => ({ type: 'reasoning-delta', text: value }) as const

describe('the events of a journal', () => {
  it('join neighbouring deltas of one kind', () => {
    assert.deepEqual(joinDeltas([thought('a'), thought('b'), text('c'), text('d'), text('e')]), [
      thought('ab'),
      text('cde'),
    ])
  })

  it('keep what carries data of its own, and the order', () => {
    const probable = { ...text('b'), logprobs: [{ token: 'b', logprob: -0.1 }] }
    const vendor = { ...text('d'), vendor: { id: 1 } }
    const call = { type: 'tool-call', id: '1', name: 'look', arguments: '{}' } as const
    const events = [text('a'), probable, text('c'), vendor, call, text('e')]
    assert.deepEqual(joinDeltas(events), events)
  })
})
