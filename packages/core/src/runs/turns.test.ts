import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createTurns } from './turns.ts'

describe('turns', () => {
  it('go one after the other for a key, in the order in which they were taken', async () => {
    const turns = createTurns()
    const order: number[] = []
    const first = turns.take('a')
    const second = turns.take('a')
    const third = turns.take('a')
    assert.equal(first.wait, undefined)
    assert.equal(turns.waiting, 2)
    const waits = [second.wait?.then(() => order.push(2)), third.wait?.then(() => order.push(3))]
    first.done()
    await waits[0]
    assert.deepEqual(order, [2])
    second.done()
    await waits[1]
    third.done()
    assert.deepEqual(order, [2, 3])
    assert.equal(turns.waiting, 0)
    assert.equal(turns.take('a').wait, undefined, 'nobody is before the next one')
  })

  it('of other keys do not wait', () => {
    const turns = createTurns()
    turns.take('a')
    assert.equal(turns.take('b').wait, undefined)
  })
})
