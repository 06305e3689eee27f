import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isLmappError, LmappError, type Status } from 'lmapp-kit'
import { file, mebibyte, openStage, settled } from './testing/stage.ts'

/** 4 MiB of file, 4 of context, 1 that it computes in. */
const wanted = { contextLength: 4096 }
const bytes = 9 * mebibyte
const one = file('one')
const two = file('two')

const isCode = (code: LmappError['code']) => (error: unknown) => isLmappError(error, code)

describe('a process for each model', () => {
  it('is started once for two who ask at once, and kept for the next', async () => {
    const { processes, started, starts } = openStage()
    const both = Promise.all([processes.acquire(one, wanted), processes.acquire(one, wanted)])
    assert.equal((await started(0)).model, 'one')
    assert.deepEqual(processes.states, [{ model: 'one', state: 'loading' }])
    starts[0]?.succeed()
    const [first, second] = await both
    assert.equal(first.engine, second.engine)
    for (const lease of [first, second]) lease[Symbol.dispose]()
    const third = await processes.acquire(one, wanted)
    assert.equal(third.engine, first.engine)
    assert.deepEqual(processes.states, [{ model: 'one', state: 'ready' }])
    assert.equal(processes.current('one'), first.engine)
  })

  it('is started anew after it died, and says why it did until then', async () => {
    const { processes } = openStage({ easy: true })
    const first = await processes.acquire(one, wanted)
    first.engine.die()
    await settled()
    assert.equal(processes.failure, 'one ended (signal SIGKILL)')
    assert.equal(processes.current('one'), undefined)
    const second = await processes.acquire(one, wanted)
    assert.notEqual(second.engine, first.engine)
    assert.equal(processes.failure, undefined)
  })

  it('that does not start tells both who wait, holds no memory, and may be tried again', async () => {
    const { processes, started } = openStage({ limitBytes: bytes })
    const both = [processes.acquire(one, wanted), processes.acquire(one, wanted)]
    const due = Promise.all(both.map((each) => assert.rejects(each, isCode('model-load-failed'))))
    ;(await started(0)).fail(new LmappError('model-load-failed', 'Wrong magic.'))
    await due
    assert.equal(processes.failure, 'Wrong magic.')
    const again = processes.acquire(two, wanted)
    ;(await started(1)).succeed()
    await again
  })

  it('goes on loading when who asked for it has left, and is then there', async () => {
    const { processes, started, starts } = openStage()
    const abort = new AbortController()
    const waiting = processes.acquire(one, { ...wanted, signal: abort.signal })
    await started(0)
    abort.abort()
    await assert.rejects(waiting, isCode('cancelled'))
    const next = processes.acquire(one, wanted)
    starts[0]?.succeed()
    await next
    assert.equal(starts.length, 1)
  })

  it('that hangs and was given up is ended by the next who asks, and begun anew', async () => {
    let now = 0
    const { processes, started, starts } = openStage({ longestSilenceMs: 1000, now: () => now })
    const abort = new AbortController()
    const waiting = processes.acquire(one, { ...wanted, signal: abort.signal })
    const hung = await started(0)
    now = 500
    hung.onStatus({ type: 'status', phase: 'loading' })
    abort.abort()
    await assert.rejects(waiting, isCode('cancelled'))
    now = 1499
    const patient = new AbortController()
    const joined = processes.acquire(one, { ...wanted, signal: patient.signal })
    await settled()
    assert.equal(hung.aborted, false)
    patient.abort()
    await assert.rejects(joined, isCode('cancelled'))
    now = 1500
    const both = Promise.all([processes.acquire(one, wanted), processes.acquire(one, wanted)])
    const fresh = await started(1)
    assert.equal(hung.aborted, true)
    fresh.succeed()
    await both
    assert.equal(starts.length, 2)
  })

  it('tells all who wait how far it is, also who came later', async () => {
    const { processes, started } = openStage()
    const heard: Record<string, Status[]> = { first: [], second: [] }
    const first = processes.acquire(one, { ...wanted, onStatus: (status) => heard.first?.push(status) })
    const start = await started(0)
    start.onStatus({ type: 'status', phase: 'loading', progress: { done: 43, total: 100, unit: 'percent' } })
    assert.deepEqual(processes.states, [{ model: 'one', state: 'loading', progress: 0.43 }])
    const second = processes.acquire(one, { ...wanted, onStatus: (status) => heard.second?.push(status) })
    await settled()
    start.succeed()
    await Promise.all([first, second])
    assert.deepEqual(
      heard.first?.map(({ progress }) => progress?.done),
      [undefined, 43],
    )
    assert.deepEqual(
      heard.second?.map(({ progress }) => progress?.done),
      [43],
    )
  })
})

describe('stopping', () => {
  it('ends a start that is under way, and a later start works', async () => {
    const { processes, started, starts } = openStage()
    const starting = processes.acquire(one, wanted)
    const due = assert.rejects(starting, isCode('backend-stopped'))
    await started(0)
    await processes.stop()
    await due
    assert.equal(starts[0]?.aborted, true)
    const again = processes.acquire(one, wanted)
    ;(await started(1)).succeed()
    await again
  })

  it('is waited for by a start that comes meanwhile', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const { processes, starts } = openStage({ easy: true, beforeEnd: promise })
    const first = await processes.acquire(one, wanted)
    const stopping = processes.stop()
    const second = processes.acquire(one, wanted)
    await settled()
    assert.equal(starts.length, 1)
    resolve()
    await stopping
    assert.notEqual((await second).engine, first.engine)
  })

  it('ends who waits for memory', async () => {
    const { processes } = openStage({ easy: true, limitBytes: bytes })
    using _lease = await processes.acquire(one, wanted)
    const waiting = processes.acquire(two, wanted)
    const due = assert.rejects(waiting, isCode('backend-stopped'))
    await settled()
    await processes.stop()
    await due
  })

  it('is done at once where nothing runs, and as often as one likes', async () => {
    const { processes } = openStage()
    await Promise.all([processes.stop(), processes.stop()])
    assert.deepEqual(processes.states, [])
  })

  it('of one model leaves the others', async () => {
    const { processes } = openStage({ easy: true })
    for (const model of [one, two]) (await processes.acquire(model, wanted))[Symbol.dispose]()
    await processes.unload('one')
    await processes.unload('no such model')
    assert.deepEqual(processes.states, [
      { model: 'one', state: 'unloaded' },
      { model: 'two', state: 'ready' },
    ])
  })
})

describe('where there is memory for one', () => {
  it('the one that nobody uses makes room, over all backends', async () => {
    const { processes, another } = openStage({ easy: true, limitBytes: bytes })
    const first = await processes.acquire(one, wanted)
    first[Symbol.dispose]()
    await another.acquire(two, wanted)
    assert.equal(first.engine.closed, true)
    assert.deepEqual(processes.states, [{ model: 'one', state: 'unloaded' }])
  })

  it('the least recently used goes first', async () => {
    const { processes } = openStage({ easy: true, limitBytes: 2 * bytes })
    for (const model of [one, two, one]) (await processes.acquire(model, wanted))[Symbol.dispose]()
    await processes.acquire(file('three'), wanted)
    assert.deepEqual(
      processes.states.filter(({ state }) => state === 'ready').map(({ model }) => model),
      ['one', 'three'],
    )
  })

  it('one that answers is never ended: the next waits, and says so', async () => {
    const { processes, starts } = openStage({ easy: true, limitBytes: bytes })
    const lease = await processes.acquire(one, wanted)
    const statuses: Status[] = []
    const waiting = processes.acquire(two, { ...wanted, onStatus: (status) => statuses.push(status) })
    await settled()
    assert.equal(lease.engine.closed, false)
    assert.deepEqual(
      statuses.map(({ phase }) => phase),
      ['queued'],
    )
    lease[Symbol.dispose]()
    lease[Symbol.dispose]()
    assert.equal((await waiting).engine.model, 'two')
    assert.equal(starts.length, 2)
  })

  it('who comes later for the one that answers lets him pass who waits', async () => {
    const { processes, starts } = openStage({ easy: true, limitBytes: bytes })
    const lease = await processes.acquire(one, wanted)
    const second = processes.acquire(two, wanted)
    await settled()
    const statuses: Status[] = []
    const late = processes.acquire(one, { ...wanted, onStatus: (status) => statuses.push(status) })
    await settled()
    assert.equal(statuses[0]?.phase, 'queued')
    lease[Symbol.dispose]()
    ;(await second)[Symbol.dispose]()
    assert.equal((await late).engine.model, 'one')
    assert.deepEqual(
      starts.map(({ model }) => model),
      ['one', 'two', 'one'],
    )
  })

  it('who leaves the line frees it, and ends nothing', async () => {
    const { processes, starts } = openStage({ easy: true, limitBytes: bytes })
    const lease = await processes.acquire(one, wanted)
    const abort = new AbortController()
    const leaving = processes.acquire(two, { ...wanted, signal: abort.signal })
    await settled()
    abort.abort()
    await assert.rejects(leaving, isCode('cancelled'))
    const again = await processes.acquire(one, wanted)
    assert.equal(again.engine, lease.engine)
    assert.equal(starts.length, 1)
    assert.equal(processes.failure, undefined)
  })

  it('who comes when another has just left the line is not thrown out with him', async () => {
    const { processes } = openStage({ easy: true, limitBytes: bytes })
    const lease = await processes.acquire(one, wanted)
    const abort = new AbortController()
    const leaving = processes.acquire(two, { ...wanted, signal: abort.signal })
    const left = assert.rejects(leaving, isCode('cancelled'))
    await settled()
    abort.abort()
    const coming = processes.acquire(two, wanted)
    await left
    lease[Symbol.dispose]()
    assert.equal((await coming).engine.model, 'two')
  })

  it('a chat that comes while its model makes room has it started anew', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const { processes, starts } = openStage({ easy: true, limitBytes: bytes, beforeEnd: promise })
    const first = await processes.acquire(one, wanted)
    first[Symbol.dispose]()
    const second = processes.acquire(two, wanted)
    await settled()
    assert.equal(first.engine.closed, true)
    const third = processes.acquire(one, wanted)
    resolve()
    ;(await second)[Symbol.dispose]()
    assert.notEqual((await third).engine, first.engine)
    assert.equal(starts.length, 3)
  })

  it('a start that nobody waits for makes room', async () => {
    const { processes, started, starts } = openStage({ limitBytes: bytes })
    const abort = new AbortController()
    const leaving = processes.acquire(one, { ...wanted, signal: abort.signal })
    await started(0)
    abort.abort()
    await assert.rejects(leaving, isCode('cancelled'))
    const second = processes.acquire(two, wanted)
    ;(await started(1)).succeed()
    await second
    assert.equal(starts[0]?.aborted, true)
  })

  it('one that died has made room', async () => {
    const { processes } = openStage({ easy: true, limitBytes: bytes })
    using lease = await processes.acquire(one, wanted)
    const second = processes.acquire(two, wanted)
    await settled()
    lease.engine.die()
    assert.equal((await second).engine.model, 'two')
  })
})

describe('a longer context', () => {
  it('is had by a new start, once nobody uses the running one', async () => {
    const { processes, starts } = openStage({ easy: true })
    const first = await processes.acquire(one, wanted)
    const statuses: Status[] = []
    const longer = processes.acquire(one, { contextLength: 8192, onStatus: (status) => statuses.push(status) })
    await settled()
    assert.equal(first.engine.closed, false)
    assert.equal(statuses[0]?.phase, 'queued')
    first[Symbol.dispose]()
    const lease = await longer
    assert.equal(lease.plan.contextLength, 8192)
    assert.deepEqual(
      starts.map(({ plan }) => plan.contextLength),
      [4096, 8192],
    )
  })

  it('is not made where the running one will do', async () => {
    const { processes, starts } = openStage({ easy: true })
    using _first = await processes.acquire(one, wanted)
    await processes.acquire(one, { contextLength: 8192, isEnough: async (_, plan) => plan.contextLength === 4096 })
    assert.equal(starts.length, 1)
  })

  it('is not tried where there is no memory for it', async () => {
    const { processes, starts } = openStage({ easy: true, limitBytes: bytes })
    ;(await processes.acquire(one, wanted))[Symbol.dispose]()
    assert.equal((await processes.acquire(one, { contextLength: 8192 })).plan.contextLength, 4096)
    assert.equal(starts.length, 1)
  })

  it('that cannot be counted is an error of who asked, and the process stays', async () => {
    const { processes } = openStage({ easy: true })
    const failing = processes.acquire(one, wanted)
    const { engine } = await failing
    ;(await failing)[Symbol.dispose]()
    const isEnough = () => Promise.reject(new LmappError('engine-failed', 'It does not count.'))
    await assert.rejects(processes.acquire(one, { contextLength: 8192, isEnough }), isCode('engine-failed'))
    assert.equal(processes.current('one'), engine)
  })
})
