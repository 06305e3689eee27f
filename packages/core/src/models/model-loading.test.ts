import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type ErrorCode, isLmappError, LmappError } from 'lmapp-kit'
import { createMockBackend } from 'lmapp-kit/testkit'
import type { BackendType } from '../backends/backend-type.ts'
import { type Core, type OpenCoreOptions, openCore, toQuestion } from '../testing/open-core.ts'
import { createModelLoading } from './model-loading.ts'

/** An engine that loads and unloads by itself. */
const selfish: BackendType = {
  name: 'selfish',
  execution: 'built-in',
  owner: 'external',
  create() {
    const whole = createMockBackend({ models: { m: {} } })
    return {
      start: () => whole.start(),
      stop: () => whole.stop(),
      isRunning: () => whole.isRunning(),
      chat: (request) => whole.chat(request),
      listModels: () => whole.listModels(),
      getInfo: () => whole.getInfo(),
      [Symbol.asyncDispose]: () => whole.stop(),
    }
  },
}
const silent: BackendType = {
  ...selfish,
  name: 'silent',
  create: (definition, context) => ({
    ...selfish.create(definition, context),
    isRunning: () => Promise.reject(new LmappError('backend-unreachable', 'Nothing answers.')),
  }),
}
const odd: BackendType = {
  ...selfish,
  name: 'odd',
  create: (definition, context) => ({
    ...selfish.create(definition, context),
    loadModel: () => Promise.reject(new TypeError('a bug of the adapter')),
  }),
}

async function open(options: OpenCoreOptions) {
  const core = await openCore({ types: [selfish, silent, odd], ...options })
  const loading = createModelLoading({
    backends: core.registry,
    library: core.library,
    config: async () => core.config,
  })
  return { core, ...loading, [Symbol.asyncDispose]: () => core[Symbol.asyncDispose]() }
}

const signal = new AbortController().signal
const withCode = (code: ErrorCode) => (error: unknown) => isLmappError(error, code)
const breakerOf = async (core: Core, id: string) => (await core.registry.get(id, {})).breaker.current

describe('a model', () => {
  it('is loaded by any reference, and told among those in memory', async () => {
    await using room = await open({ boxes: { one: { m: { load: { steps: 2, stepMs: 1 } }, n: {} }, two: { o: {} } } })
    assert.deepEqual(await room.loaded({}), [])
    assert.deepEqual(await room.load('m', {}, { signal }), { ref: 'one/m' })
    assert.deepEqual(await room.load('two/o', {}, { signal }), { ref: 'two/o' })
    assert.deepEqual(await room.loaded({}), ['one/m', 'two/o'])
    assert.deepEqual(await room.load('m', {}, { signal }), { ref: 'one/m' }, 'a second time too')
  })

  it('is unloaded again', async () => {
    await using room = await open({ boxes: { one: { m: {} }, two: { m: {} } }, config: { aliases: { both: ['m'] } } })
    for (const ref of ['one/m', 'two/m']) await room.load(ref, {}, { signal })
    assert.deepEqual(await room.unload('one/m', {}), { ref: 'one/m' })
    assert.deepEqual(await room.loaded({}), ['two/m'])
    assert.deepEqual(await room.unload('both', {}), { ref: 'one/m' })
    assert.deepEqual(await room.loaded({}), [])
  })

  it('is loaded by the next candidate where the first cannot, and by none where none can', async () => {
    const broken = { load: { steps: 1, stepMs: 1, fail: true } }
    await using room = await open({
      boxes: { one: { m: broken }, two: { m: {} } },
      config: { aliases: { any: ['one/m', 'two/m'], none: ['one/m', 'one/x'] } },
    })
    assert.deepEqual(await room.load('any', {}, { signal }), { ref: 'two/m' })
    await assert.rejects(room.load('none', {}, { signal }), withCode('model-load-failed'))
  })

  it('that nobody has is not found, under the name by which it was called', async () => {
    await using room = await open({ boxes: { one: { m: {} } } })
    const isNamed = (error: unknown) => isLmappError(error, 'model-not-found') && /one\/m/.test(error.message)
    await assert.rejects(room.load('nothing', {}, { signal }), withCode('model-not-found'))
    await assert.rejects(room.load('one/mm', {}, { signal }), isNamed)
    await room.load('one/m', {}, { signal })
    await assert.rejects(room.unload('one/mm', {}), withCode('model-not-found'))
    await assert.rejects(room.unload('nothing', {}), withCode('model-not-found'))
  })

  it('of an engine that loads by itself is left to that: it is started, and cannot be unloaded', async () => {
    await using room = await open({ boxes: {}, backends: { box: { type: 'selfish' } } })
    const { backend } = await room.core.registry.get('box', {})
    assert.deepEqual(await room.unload('box/m', {}), { ref: 'box/m' }, 'nothing is loaded in what does not run')
    assert.equal((await backend.isRunning()).running, false)
    assert.deepEqual(await room.load('box/m', {}, { signal }), { ref: 'box/m' })
    assert.equal((await backend.isRunning()).running, true)
    await assert.rejects(room.unload('box/m', {}), withCode('unsupported'))
  })

  it('is not taken away from an answer that is being written', async () => {
    await using room = await open({ boxes: { box: { m: { reply: 'a b c', repeatTokens: 500, paceMs: 5 } } } })
    const run = await room.core.runs.start(toQuestion('Why?', { model: 'box/m', save: false }))
    for await (const { event } of run.events({ from: 0 })) if (event.type === 'text-delta') break
    await assert.rejects(room.unload('box/m', {}), withCode('busy'))
    assert.deepEqual(await room.loaded({}), ['box/m'])
    await run.cancel()
    assert.deepEqual(await room.unload('box/m', {}), { ref: 'box/m' })
    assert.deepEqual(await room.loaded({}), [])
  })

  it('whose loading is given up says so, and counts for nothing', async () => {
    await using room = await open({ boxes: { box: { m: { load: { steps: 1000, stepMs: 50 } } } } })
    const leaving = new AbortController()
    const loading = room.load('box/m', {}, { signal: leaving.signal })
    leaving.abort()
    await assert.rejects(loading, withCode('cancelled'))
    assert.equal((await breakerOf(room.core, 'box')).state, 'closed')
    assert.deepEqual(await room.loaded({}), [])
  })
})

describe('a backend', () => {
  it('that does not say what it has in memory disturbs no other', async () => {
    await using room = await open({ boxes: { box: { m: {} } }, backends: { gone: { type: 'silent' } } })
    await room.load('box/m', {}, { signal })
    assert.deepEqual(await room.loaded({}), ['box/m'])
    await assert.rejects(room.unload('gone/m', {}), withCode('backend-unreachable'))
  })

  it('whose adapter fails in a way that nobody foresaw has failed', async () => {
    await using room = await open({ boxes: {}, backends: { box: { type: 'odd' } } })
    for (let failures = 0; failures < 3; failures++) {
      await assert.rejects(room.load('box/m', {}, { signal }), withCode('engine-failed'))
    }
    assert.equal((await breakerOf(room.core, 'box')).state, 'open')
  })
})
