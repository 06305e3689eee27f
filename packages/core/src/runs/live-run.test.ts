import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { NumberedRunEvent, RunEnd } from 'lmapp-kit'
import { LiveRun, type LiveRunOptions } from './live-run.ts'

const end: RunEnd = { type: 'end', state: 'complete', reason: 'stop', usage: {}, timings: { totalMs: 1 } }
const text = (value: string) => ({ type: 'text-delta', text: value }) as const

function createRun(onCancel: () => void = () => {}, earlier?: { text: string }, more: Partial<LiveRunOptions> = {}) {
  return new LiveRun({
    id: 'run-1',
    owner: 'owner',
    conversation: 'conversation-1',
    message: 'message-1',
    model: 'mock/echo',
    onCancel,
    ...more,
    ...(earlier && { earlier: { text: earlier.text, reasoning: '', toolCalls: [] } }),
  })
}

async function collect(events: AsyncIterable<NumberedRunEvent>): Promise<NumberedRunEvent[]> {
  return await Array.fromAsync(events)
}

describe('a run as its readers see it', () => {
  it('gives every event after a number, those that were and those to come, then ends', async () => {
    const run = createRun()
    void run.emit(text('one'))
    void run.emit(text('two'))
    const reading = collect(run.events({ from: 1 }))
    void run.emit(text('three'))
    void run.emit(end)
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
    void run.emit({ type: 'status', phase: 'prompt' })
    void run.emit({ type: 'reasoning-delta', text: 'Hm.' })
    void run.emit(text('words'))
    void run.emit({ type: 'tool-call', id: '1', name: 'look', arguments: '{}' })
    const reading = collect(run.events())
    void run.emit(end)
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
    void run.emit(text('words'))
    void run.emit(end)
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
    void run.emit(text('a'))
    void run.emit(end)
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
    void run.emit(end)
    assert.equal((await stayed).length, 1)
  })

  it('follows a handover: the model is the one that answers now', () => {
    const run = createRun()
    const reason = { code: 'engine-died', message: 'It died.' } as const
    void run.emit({ type: 'handover', from: 'mock/echo', to: 'box/other', reason })
    void run.emit({ type: 'warning', code: 'other', message: 'Said for completeness.' })
    assert.equal(run.model, 'box/other')
  })

  it('is cancelled once, and not after its end', async () => {
    let cancels = 0
    const run = createRun(() => {
      cancels += 1
    })
    const one = run.cancel()
    const other = run.cancel()
    void run.emit({ ...end, state: 'stopped' })
    assert.equal((await one).state, 'stopped')
    assert.equal(await one, await other)
    assert.equal((await run.cancel()).state, 'stopped')
    assert.equal(cancels, 1)
    assert.equal(run.state, 'stopped')
  })
})

describe('the batches of a run', () => {
  it('hold what arrived in one turn of the event loop, in order and without gaps', async () => {
    const run = createRun()
    const reading = Array.fromAsync(run.batches({ from: 0 }))
    await null
    for (const word of ['a', 'b', 'c']) void run.emit(text(word))
    await new Promise((resolve) => setImmediate(resolve))
    void run.emit(end)
    const batches = await reading
    assert.deepEqual(
      batches.map((batch) => batch.map(({ seq }) => seq)),
      [[1, 2, 3], [4]],
    )
  })

  it('are at most 512 long', async () => {
    const run = createRun()
    for (let n = 0; n < 1_300; n += 1) void run.emit(text('word '))
    void run.emit(end)
    const batches = await Array.fromAsync(run.batches({ from: 100 }))
    assert.deepEqual(
      batches.map(({ length }) => length),
      [512, 512, 177],
    )
  })

  it('end where the reader leaves, in the middle of one too', async () => {
    const run = createRun()
    for (let n = 0; n < 10; n += 1) void run.emit(text('word '))
    const leaving = new AbortController()
    const seen: number[] = []
    for await (const { seq } of run.events({ from: 0, signal: leaving.signal })) {
      seen.push(seq)
      if (seq === 3) leaving.abort()
    }
    assert.deepEqual(seen, [1, 2, 3])
  })

  it('and its text are the same, however many pieces it came in', () => {
    const run = createRun(undefined, { text: 'Earlier: ' })
    const words = Array.from({ length: 1_000 }, (_, n) => `${n} `)
    for (const word of words) void run.emit(text(word))
    assert.equal(run.text, `Earlier: ${words.join('')}`)
    void run.emit(text('more'))
    assert.ok(run.text.endsWith('999 more'))
  })

  it('say of a run how much it takes up', () => {
    const run = createRun()
    void run.emit(text('word '))
    const { bytes } = run
    void run.emit({ type: 'reasoning-delta', text: 'x'.repeat(1_000) })
    assert.ok(run.bytes > bytes + 1_000)
    void run.emit({ type: 'tool-call', id: '1', name: 'look', arguments: 'x'.repeat(1_000) })
    const before = run.bytes
    void run.emit({ ...text('a'), logprobs: [{ token: 'a', logprob: -1, top: [{ token: 'b', logprob: -2 }] }] })
    assert.ok(run.bytes - before > bytes, 'probabilities count')
  })
})

describe('a run that is not kept', () => {
  const create = (more: Partial<LiveRunOptions> = {}) => createRun(undefined, undefined, { replay: false, ...more })
  const isHeld = async (room: Promise<void> | undefined) => {
    const held = Symbol()
    return room !== undefined && (await Promise.race([room, Promise.resolve(held)])) === held
  }
  /** Emits so many, and gives what the last one said. */
  const emit = (run: LiveRun, count: number) => {
    let room: Promise<void> | undefined
    for (let n = 0; n < count; n += 1) room = run.emit(text('word '))
    return room
  }

  it('holds the engine back while its reader is more than 512 events behind', async () => {
    const run = create()
    const reader = run.batches({ from: 0 })
    void run.emit(text('first '))
    await reader.next()
    assert.equal(emit(run, 512), undefined)
    const room = emit(run, 1)
    assert.ok(await isHeld(room))
    assert.equal((await reader.next()).value?.length, 512)
    await room
    assert.equal(emit(run, 1), undefined)
    await reader.return(undefined)
  })

  it('goes on where the reader leaves, and where the run is cancelled', async () => {
    for (const go of ['leave', 'cancel'] as const) {
      const run = create()
      const reader = run.batches({ from: 0 })
      void run.emit(text('first '))
      await reader.next()
      const room = emit(run, 600)
      assert.ok(await isHeld(room))
      if (go === 'leave') await reader.return(undefined)
      else void run.cancel()
      await room
      assert.equal(emit(run, 600), undefined)
      void run.emit({ ...end, state: 'stopped' })
      await reader.return(undefined)
    }
  })

  it('holds nobody back before somebody reads, and then gives all that was', async () => {
    const run = create()
    assert.equal(emit(run, 2_000), undefined)
    void run.emit(end)
    assert.equal((await collect(run.events({ from: 0 }))).length, 2_001)
  })

  it('waits for the slowest of two readers', async () => {
    const run = create()
    const [fast, slow] = [run.batches({ from: 0 }), run.batches({ from: 0 })]
    void run.emit(text('first '))
    await Promise.all([fast.next(), slow.next()])
    const room = emit(run, 600)
    await fast.next()
    await fast.next()
    assert.ok(await isHeld(room))
    await slow.next()
    await room
    await Promise.all([fast.return(undefined), slow.return(undefined)])
  })

  it('gives who comes for what is gone a snapshot in its place, and the end to who comes last of all', async () => {
    const run = create()
    const reading = collect(run.events({ from: 0 }))
    await null
    void emit(run, 3)
    const joining = run.events({ from: 1 })
    await new Promise((resolve) => setImmediate(resolve))
    const joined = (await joining.next()).value
    assert.deepEqual([joined?.seq, joined?.event.type], [3, 'snapshot'])
    void run.emit(end)
    assert.equal((await joining.next()).value?.event.type, 'end')
    await joining.return(undefined)
    assert.equal((await reading).length, 4)
    assert.ok(run.isThrough)
    assert.deepEqual(
      (await collect(run.events({ from: 0 }))).map(({ seq, event }) => [seq, event.type]),
      [
        [3, 'snapshot'],
        [4, 'end'],
      ],
    )
  })

  it('keeps what is not on disk yet, whoever has read it', async () => {
    let written = 0
    const run = create()
    run.keepAfter(() => written)
    const reading = collect(run.events({ from: 0 }))
    await null
    void emit(run, 2_000)
    void run.emit(end)
    await reading
    assert.equal((await collect(run.events({ from: 0 }))).length, 2_001)
    written = 1_500
    assert.equal((await collect(run.events({ from: 1_500 }))).length, 501)
    assert.equal((await collect(run.events({ from: 0 })))[0]?.event.type, 'snapshot')
  })

  it('says when nobody reads it any more', async () => {
    let unread = 0
    const run = create({
      onUnread: () => {
        unread += 1
      },
    })
    assert.equal(run.isThrough, false)
    void run.emit(end)
    await collect(run.events({ from: 0 }))
    assert.deepEqual([unread, run.isThrough], [1, true])
  })
})
