import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { untilAborted } from './until-aborted.ts'

const never = new Promise<never>(() => {})

describe('waiting until a signal aborts', () => {
  it('gives what the promise gives, with a signal and without', async () => {
    assert.equal(await untilAborted(Promise.resolve(1), undefined), 1)
    assert.equal(await untilAborted(Promise.resolve(2), new AbortController().signal), 2)
    await assert.rejects(untilAborted(Promise.reject(new Error('no')), new AbortController().signal), /no/)
  })

  it('ends with the reason of the signal, before and while it waits', async () => {
    const reason = new Error('enough')
    await assert.rejects(untilAborted(never, AbortSignal.abort(reason)), reason)
    const controller = new AbortController()
    const waiting = untilAborted(never, controller.signal)
    controller.abort(reason)
    await assert.rejects(waiting, reason)
  })
})
