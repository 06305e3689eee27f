import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createFairQueue } from './fair-queue.ts'

function fill(...items: string[]) {
  const queue = createFairQueue<string>()
  for (const item of items) queue.add(item.charAt(0), item)
  return queue
}

function drain(queue: { take(): string | undefined }): string[] {
  const taken: string[] = []
  for (let item = queue.take(); item; item = queue.take()) taken.push(item)
  return taken
}

describe('a fair line', () => {
  it('serves clients by turns, and each in the order of its own requests', () => {
    const queue = fill('a1', 'a2', 'a3', 'a4', 'b1', 'c1', 'c2')
    const order = ['a1', 'b1', 'c1', 'a2', 'c2', 'a3', 'a4']
    assert.deepEqual(queue.inOrder(), order)
    assert.deepEqual(drain(queue), order)
    assert.equal(queue.size, 0)
  })

  it('lets one who comes later wait for one of each other, and one who was just served for all others', () => {
    const queue = fill('a1', 'a2', 'a3')
    assert.equal(queue.take(), 'a1')
    queue.add('b', 'b1')
    assert.deepEqual(queue.inOrder(), ['a2', 'b1', 'a3'])
    assert.equal(queue.take(), 'a2')
    queue.add('c', 'c1')
    assert.deepEqual(drain(queue), ['b1', 'a3', 'c1'])
  })

  it('forgets who leaves, and takes no notice of who is not there', () => {
    const queue = fill('a1', 'a2', 'b1')
    queue.remove('a', 'a1')
    queue.remove('b', 'b1')
    queue.remove('b', 'b1')
    queue.remove('nobody', 'a2')
    assert.equal(queue.size, 1)
    assert.deepEqual(drain(queue), ['a2'])
    assert.equal(queue.take(), undefined)
  })
})
