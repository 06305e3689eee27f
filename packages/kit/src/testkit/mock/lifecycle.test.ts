import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ask, codeOf, open } from '../fixtures/ask-mock.ts'
import { createInstantClock } from '../fixtures/instant-clock.ts'
import { readChat, tryChat } from '../read-chat.ts'
import { createMockBackend } from './mock-backend.ts'

describe('the queue of a mock', () => {
  it('holds chats beyond the parallel ones, says so, and lets them in in order', async () => {
    await using mock = await open({ models: { m: { parallel: 1 } } })
    const first = mock.chat(ask('first'))[Symbol.asyncIterator]()
    await first.next()
    const order: string[] = []
    const others = ['second', 'third'].map(async (name) => {
      const transcript = await readChat(mock.chat(ask(name)))
      order.push(transcript.text)
      return transcript
    })
    const { active, queued } = await mock.isRunning()
    assert.deepEqual({ active, queued }, { active: 1, queued: 2 })
    await first.return?.()
    const [second] = await Promise.all(others)
    assert.deepEqual(second?.statuses, [{ type: 'status', phase: 'queued' }])
    assert.deepEqual(order, ['second', 'third'])
    assert.equal((await mock.isRunning()).active, 0)
  })

  it('is left by who cancels, and the next one is let in', async () => {
    await using mock = await open({ models: { m: { parallel: 1 } } })
    const first = mock.chat(ask('first'))[Symbol.asyncIterator]()
    await first.next()
    const controller = new AbortController()
    const second = readChat(mock.chat(ask('second'), { signal: controller.signal }))
    const third = readChat(mock.chat(ask('third')))
    assert.equal((await mock.isRunning()).queued, 2)
    controller.abort()
    assert.equal((await second).finishes[0]?.reason, 'cancelled')
    assert.equal((await mock.isRunning()).queued, 1)
    await first.return?.()
    assert.equal((await third).text, 'third')
  })
})

describe('loading a model of a mock', () => {
  const load = { steps: 3, stepMs: 10 }

  it('is shown by health, and shared by who waits for it', async () => {
    const gate = Promise.withResolvers<void>()
    const clock = { now: () => 0, wait: () => gate.promise }
    await using mock = await open({ models: { m: { load } }, clock })
    const chats = [readChat(mock.chat(ask('a'))), readChat(mock.chat(ask('b')))]
    const loading = mock.loadModel('m')
    await mock.isRunning()
    assert.deepEqual((await mock.isRunning()).models, [{ id: 'm', state: 'loading', progress: 0 }])
    assert.equal((await mock.showModel('m')).loaded, false)
    gate.resolve()
    await Promise.all([...chats, loading])
    assert.deepEqual((await mock.isRunning()).models, [{ id: 'm', state: 'ready' }])
    assert.equal((await mock.listModels())[0]?.loaded, true)
  })

  it('goes on for the others when one of them leaves', async () => {
    await using mock = await open({ models: { m: { load } } })
    const controller = new AbortController()
    const leaving = mock.loadModel('m', { signal: controller.signal })
    const staying = readChat(mock.chat(ask('a')))
    controller.abort()
    await assert.rejects(leaving, { code: 'cancelled' })
    assert.equal((await staying).text, 'a')
  })

  it('that fails is tried again by the next one', async () => {
    await using mock = await open({ models: { m: { load: { ...load, fail: true } } }, clock: createInstantClock() })
    await assert.rejects(mock.loadModel('m'), { code: 'model-load-failed' })
    const { error, transcript } = await tryChat(mock.chat(ask('a')))
    assert.equal(codeOf(error), 'model-load-failed')
    assert.equal(transcript.statuses.length, 3)
  })

  it('ends with the mock, and an unload waits for it', async () => {
    await using mock = await open({ models: { m: { load: { steps: 1, stepMs: 60_000 } } } })
    const loading = mock.loadModel('m')
    const unloading = mock.unloadModel('m')
    await mock.stop()
    await assert.rejects(loading, { code: 'backend-stopped' })
    await unloading
  })
})

describe('starting and stopping a mock', () => {
  it('is needed before a chat', async () => {
    const mock = createMockBackend()
    await assert.rejects(readChat(mock.chat({ ...ask('Hi.'), model: 'echo' })), { code: 'backend-stopped' })
    await assert.rejects(mock.loadModel('echo'), { code: 'backend-stopped' })
  })

  it('shows that it starts; who cancels leaves the others to it', async () => {
    await using mock = createMockBackend({ config: { startMs: 5 } })
    const controller = new AbortController()
    const first = mock.start({ signal: controller.signal })
    const second = mock.start()
    assert.equal((await mock.isRunning()).state, 'starting')
    controller.abort()
    await assert.rejects(first, { code: 'cancelled' })
    await second
    assert.equal((await mock.isRunning()).state, 'running')
    await assert.rejects(mock.start({ signal: AbortSignal.abort() }), { code: 'cancelled' })
  })

  it('can fail by script, and is then failed until it is stopped', async () => {
    await using mock = createMockBackend({ config: { startFails: true } })
    await assert.rejects(mock.start({ signal: new AbortController().signal }), { code: 'backend-start-failed' })
    assert.equal((await mock.isRunning()).state, 'failed')
    await mock.stop()
    assert.equal((await mock.isRunning()).state, 'stopped')
  })

  it('counts no chat that was left behind by a reader who reads no more', async () => {
    await using mock = await open({ models: { m: {} } })
    const left = mock.chat(ask('one two'))[Symbol.asyncIterator]()
    await left.next()
    await mock.stop()
    await mock.start()
    assert.equal((await mock.isRunning()).active, 0)
    await assert.rejects(Promise.resolve(left.next()), { code: 'backend-stopped' })
  })
})
