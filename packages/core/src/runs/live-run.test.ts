import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { NumberedRunEvent, RunEnd } from 'lmapp-kit'
import { LiveRun } from './live-run.ts'

const end: RunEnd = { type: 'end', state: 'complete', reason: 'stop', usage: {}, timings: { totalMs: 1 } }
const text = (value: string) => ({ type: 'text-delta', text: value }) as const

function createRun(onCancel: () => void = () => {}, earlier?: { text: string }) {
  return new LiveRun({
    id: 'run-1',
    owner: 'owner',
    conversation: 'conversation-1',
    message: 'message-1',
    model: 'mock/echo',
    onCancel,
    ...(earlier && { earlier: { text: earlier.text, reasoning: '', toolCalls: [] } }),
  })
}

async function collect(events: AsyncIterable<NumberedRunEvent>): Promise<NumberedRunEvent[]> {
  return await Array.fromAsync(events)
}

describe('a run as its readers see it', () => {
  it('gives every event after a number, those that were and those to come, then ends', async () => {
    const run = createRun()
    run.emit(text('one'))
    run.emit(text('two'))
    const reading = collect(run.events({ from: 1 }))
    run.emit(text('three'))
    run.emit(end)
    assert.deepEqual(
      (await reading).map(({ seq, event }) => [seq, event.type]),
      [
        [2, 'text-delta'],
        [3, 'text-delta'],
        [4, 'end'],
      ],
    )
  })

  it('begins with one snapshot for who joins, which holds all that was said, its number and the phase', async () => {
    const run = createRun(undefined, { text: 'Earlier ' })
    run.emit({ type: 'status', phase: 'prompt' })
    run.emit({ type: 'reasoning-delta', text: 'Hm.' })
    run.emit(text('words'))
    run.emit({ type: 'tool-call', id: '1', name: 'look', arguments: '{}' })
    const reading = collect(run.events())
    run.emit(end)
    const [first, last] = await reading
    assert.equal(first?.seq, 4)
    assert.deepEqual(first?.event, {
      type: 'snapshot',
      run: 'run-1',
      conversation: 'conversation-1',
      message: 'message-1',
      model: 'mock/echo',
      text: 'Earlier words',
      reasoning: 'Hm.',
      toolCalls: [{ type: 'tool-call', id: '1', name: 'look', arguments: '{}' }],
      status: { type: 'status', phase: 'prompt' },
    })
    assert.equal(last?.event.type, 'end')
  })

  it('tells who joins after the end how it ended', async () => {
    const run = createRun()
    run.emit(text('words'))
    run.emit(end)
    const events = await collect(run.events())
    assert.deepEqual(
      events.map(({ seq, event }) => [seq, event.type]),
      [
        [1, 'snapshot'],
        [2, 'end'],
      ],
    )
  })

  it('gives two readers the same events', async () => {
    const run = createRun()
    const readings = [collect(run.events({ from: 0 })), collect(run.events({ from: 0 }))]
    run.emit(text('a'))
    run.emit(end)
    const [one, other] = await Promise.all(readings)
    assert.deepEqual(one, other)
    assert.equal(one?.length, 2)
  })

  it('lets a reader leave while it waits, and the others go on', async () => {
    const run = createRun()
    const leaving = new AbortController()
    const left = collect(run.events({ from: 0, signal: leaving.signal }))
    const stayed = collect(run.events({ from: 0 }))
    leaving.abort()
    assert.deepEqual(await left, [])
    run.emit(end)
    assert.equal((await stayed).length, 1)
  })

  it('follows a handover: the model is the one that answers now', () => {
    const run = createRun()
    const reason = { code: 'engine-died', message: 'It died.' } as const
    run.emit({ type: 'handover', from: 'mock/echo', to: 'box/other', reason })
    run.emit({ type: 'warning', code: 'other', message: 'Said for completeness.' })
    assert.equal(run.model, 'box/other')
  })

  it('is cancelled once, and not after its end', async () => {
    let cancels = 0
    const run = createRun(() => {
      cancels += 1
    })
    const one = run.cancel()
    const other = run.cancel()
    run.emit({ ...end, state: 'stopped' })
    assert.equal((await one).state, 'stopped')
    assert.equal(await one, await other)
    assert.equal((await run.cancel()).state, 'stopped')
    assert.equal(cancels, 1)
    assert.equal(run.state, 'stopped')
  })
})
