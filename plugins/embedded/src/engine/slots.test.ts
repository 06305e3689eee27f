import assert from 'node:assert/strict'
import { test } from 'node:test'
import { untilAborted } from 'lmapp-kit'
import { createSlots } from './slots.ts'

test('so many at once; the others in the order they came', async () => {
  const slots = createSlots(2)
  const order: number[] = []
  const give = [await slots.take(), await slots.take()]
  assert.equal(slots.full, true)
  const waiting = [3, 4].map(async (number) => {
    const done = await slots.take()
    order.push(number)
    return done
  })
  assert.deepEqual([slots.active, slots.queued], [2, 2])
  give[0]?.()
  give[0]?.()
  ;(await waiting[0])?.()
  ;(await waiting[1])?.()
  give[1]?.()
  assert.deepEqual(order, [3, 4])
  assert.deepEqual([slots.active, slots.queued, slots.full], [0, 0, false])
})

test('who gives up waiting leaves the queue, and takes no turn', async () => {
  const slots = createSlots(1)
  const done = await slots.take()
  const leaving = new AbortController()
  const left = slots.take(leaving.signal)
  const stays = slots.take()
  leaving.abort(new Error('enough'))
  await assert.rejects(left, { message: 'enough' })
  assert.equal(slots.queued, 1)
  done()
  ;(await stays)()
  await assert.rejects(slots.take(AbortSignal.abort(new Error('too late'))), { message: 'too late' })
  assert.equal(slots.active, 0)
})

test('an abort ends the waiting, not the work', async () => {
  const work = Promise.withResolvers<string>()
  const controller = new AbortController()
  const waiting = untilAborted(work.promise, controller.signal)
  controller.abort(new Error('enough'))
  await assert.rejects(waiting, { message: 'enough' })
  work.resolve('done')
  assert.equal(await untilAborted(work.promise, undefined), 'done')
})
