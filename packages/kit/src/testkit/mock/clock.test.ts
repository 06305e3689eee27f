import assert from 'node:assert/strict'
import { it } from 'node:test'
import { untilAborted } from '../../streams/until-aborted.ts'
import { realClock, waitForAbort } from './clock.ts'

it('the real clock waits, and is ahead afterwards', async () => {
  const before = realClock.now()
  await realClock.wait(1, new AbortController().signal)
  assert.ok(realClock.now() > before)
})

it('every wait ends with the reason of the signal, whether it aborts before or meanwhile', async () => {
  const reason = new Error('enough')
  const controller = new AbortController()
  const { signal } = controller
  const waits = [realClock.wait(60_000, signal), waitForAbort(signal), untilAborted(new Promise(() => {}), signal)]
  controller.abort(reason)
  for (const wait of waits) await assert.rejects(wait, reason)
  await assert.rejects(realClock.wait(60_000, signal), reason)
  await assert.rejects(untilAborted(Promise.resolve(1), signal), reason)
})

it('what settles first is what counts', async () => {
  const { signal } = new AbortController()
  assert.equal(await untilAborted(Promise.resolve(1), signal), 1)
  await assert.rejects(untilAborted(Promise.reject(new Error('broken')), signal), { message: 'broken' })
})
