import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isLmappError, type NumberedRunEvent } from 'lmapp-kit'
import { readPullEvents, readRunEvents } from './run-events.ts'

const end = { type: 'end', state: 'complete', usage: {}, timings: { totalMs: 1 } }

async function* streamOf(...events: unknown[]): AsyncGenerator<string> {
  for (const [index, event] of events.entries()) yield `id: ${index + 1}\ndata: ${JSON.stringify(event)}\n\n`
}

async function read(...events: unknown[]): Promise<NumberedRunEvent[]> {
  return Array.fromAsync(readRunEvents(streamOf(...events)))
}

test('the events of a run come with their numbers and stop after the end', async () => {
  const start = { type: 'start', run: 'r', message: 'm', model: 'b/m' }
  const events = await read(start, { type: 'text-delta', text: 'a' }, end, { type: 'text-delta', text: 'never' })
  assert.deepEqual(events, [
    { seq: 1, event: start },
    { seq: 2, event: { type: 'text-delta', text: 'a' } },
    { seq: 3, event: end },
  ])
})

test('what a newer service sends is tolerated', async () => {
  const events = await read(
    { type: 'hologram', text: 'x' },
    { type: 'status', phase: 'dreaming' },
    { type: 'status', phase: 'loading', extra: 1 },
    { type: 'handover', from: 'a', to: 'b', reason: { code: 'new-code', message: 'why' } },
    null,
    { ...end, state: 'transcended', error: { code: 'other-new-code', message: 'oh' } },
  )
  assert.deepEqual(
    events.map(({ seq }) => seq),
    [3, 4, 6],
  )
  const [status, handover, last] = events.map(({ event }) => event)
  assert.ok(status?.type === 'status' && status.phase === 'loading')
  assert.ok(handover?.type === 'handover' && handover.reason.code === 'engine-failed')
  assert.ok(last?.type === 'end' && last.state === 'incomplete' && last.error?.code === 'engine-failed')
})

test('a stream that ends before the end of the run is a broken connection', async () => {
  await assert.rejects(read({ type: 'text-delta', text: 'a' }), isBroken)
})

test('an event that is no JSON is a broken connection', async () => {
  async function* body() {
    yield 'data: {"type":\n\n'
  }
  await assert.rejects(Array.fromAsync(readRunEvents(body())), isBroken)
})

test('a pull ends with done, throws what error carries, and leaves out what it does not know', async () => {
  const progress = { type: 'progress', status: 'fetching' }
  const done = { type: 'done', ref: 'embedded/tiny' }
  assert.deepEqual(await Array.fromAsync(readPullEvents(streamOf(progress, { type: 'new' }, done, progress))), [
    progress,
    done,
  ])
  const error = { type: 'error', error: { code: 'disk-full', message: 'No room.' } }
  await assert.rejects(Array.fromAsync(readPullEvents(streamOf(progress, error))), (thrown) =>
    isLmappError(thrown, 'disk-full'),
  )
  await assert.rejects(Array.fromAsync(readPullEvents(streamOf(progress))), isBroken)
})

function isBroken(error: unknown): boolean {
  return isLmappError(error, 'service-unavailable') && error.details?.stage === 'stream'
}
