import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type ErrorCode, isLmappError } from 'lmapp-kit'
import { createMockBackend } from 'lmapp-kit/testkit'
import type { BackendType } from '../backends/backend-type.ts'

import { type Core, openCore } from '../testing/open-core.ts'
import { createModelService, type PullStep } from './model-service.ts'
import { ggufBytes } from './testing/gguf-bytes.ts'

const reader: BackendType = {
  name: 'reader',
  execution: 'subprocess',
  owner: 'lmapp',
  servesLibrary: true,
  create: () => createMockBackend({ models: { tiny: {} } }),
  knownModels: async () => [{ id: 'tiny' }],
}
const simple: BackendType = {
  name: 'simple',
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

const open = (boxes: Record<string, Record<string, object>>, backends: Record<string, object> = {}) =>
  openCore({ boxes, types: [reader, simple], backends })
const serviceOf = (core: Core) =>
  createModelService({ backends: core.registry, library: core.library, config: async () => core.config })
const options = { signal: new AbortController().signal, offline: false }
const withCode = (code: ErrorCode) => (error: unknown) => isLmappError(error, code)

describe('the models of all backends', () => {
  it('are one list, with the name by which they are called', async () => {
    await using core = await open({ one: { m: {} }, two: { m: {}, n: {} } })
    for (const target of await core.registry.list({})) await target.backend.start()
    const models = serviceOf(core)
    assert.deepEqual(
      (await models.list({})).map(({ ref }) => ref),
      ['one/m', 'two/m', 'two/n'],
    )
    assert.deepEqual(
      (await models.list({}, { backend: 'two' })).map(({ name }) => name),
      ['m', 'n'],
    )
    await assert.rejects(models.list({}, { backend: 'three' }), withCode('not-found'))
  })

  it('say of a file of our own where it came from', async () => {
    await using core = await open({}, { reader: { type: 'reader' } })
    await core.addModel('tiny', ggufBytes())
    const [model] = await serviceOf(core).list({})
    assert.equal(model?.ref, 'reader/tiny')
    assert.equal(model?.loaded, false)
    assert.match(model?.digest ?? '', /^sha256:/)
    assert.equal((await serviceOf(core).show('tiny', {})).path, model?.path)
  })

  it('are shown by any reference, also of a backend that knows no more than its list', async () => {
    await using core = await open({ box: { m: {} } }, { simple: { type: 'simple' } })
    for (const target of await core.registry.list({})) await target.backend.start()
    const models = serviceOf(core)
    assert.equal((await models.show('box/m', {})).ref, 'box/m')
    assert.equal((await models.show('simple/m', {})).ref, 'simple/m')
    await assert.rejects(models.show('simple/nothing', {}), withCode('model-not-found'))
    assert.deepEqual(await models.resolve('m', {}), { refs: ['box/m', 'simple/m'] })
  })

  it('that a backend does not know are named as a user calls them, with the command that fetches them', async () => {
    await using core = await open({ box: { gemma: {}, other: {} } })
    for (const target of await core.registry.list({})) await target.backend.start()
    const models = serviceOf(core)
    const isHelpful = (error: unknown) => {
      assert.ok(isLmappError(error, 'model-not-found'))
      assert.match(error.message, /The nearest: box\/gemma, box\/other\.$/)
      assert.equal(error.hint, 'Fetch it: lmapp models pull box/gema')
      return true
    }
    await assert.rejects(models.show('box/gema', {}), isHelpful)
    await assert.rejects(models.remove('box/gema', {}), isHelpful)
  })

  it('are removed, and it is said how much that freed', async () => {
    await using core = await open({ box: { m: {}, n: {} } }, { reader: { type: 'reader' }, simple: { type: 'simple' } })
    for (const target of await core.registry.list({})) await target.backend.start()
    await core.addModel('tiny', ggufBytes())
    const models = serviceOf(core)
    const own = await models.remove('reader/tiny', {})
    assert.ok((own.freedBytes ?? 0) > 0)
    assert.deepEqual(await core.library.list(), [])
    assert.equal((await models.remove('box/m', {})).ref, 'box/m')
    await assert.rejects(models.remove('simple/m', {}), withCode('unsupported'))
  })
})

describe('fetching a model', () => {
  const pull = (core: Core, ref: string, more: object = {}): Promise<PullStep[]> =>
    Array.fromAsync(serviceOf(core).pull(ref, {}, { ...options, ...more }))

  it('is the engine’s own work where it can, with progress to its end', async () => {
    await using core = await open({ box: { m: {}, 'to-pull': { installed: false } } })
    const steps = await pull(core, 'box/to-pull')
    assert.deepEqual(steps.at(-1), { type: 'done', ref: 'box/to-pull' })
    assert.ok(steps.some((step) => step.type === 'progress'))
    await assert.rejects(pull(core, 'box/to-pull', { offline: true }), withCode('offline'))
  })

  it('that the engine does not know either is a matter of its name', async () => {
    await using core = await open({ box: { m: {} } })
    await assert.rejects(
      pull(core, 'box/nothing'),
      (error) => isLmappError(error, 'model-not-found') && error.hint === 'Check the name: nothing',
    )
  })

  it('is refused by an engine that cannot', async () => {
    await using core = await open({}, { simple: { type: 'simple' } })
    await assert.rejects(pull(core, 'simple/m'), withCode('unsupported'))
  })

  it('into our own folder needs a backend that runs files, a known name and the network', async () => {
    await using core = await open({ box: { m: {} } })
    await assert.rejects(pull(core, 'smollm2-135m'), withCode('no-backend'))
    await using other = await open({ box: { m: {} } }, { reader: { type: 'reader' } })
    await assert.rejects(pull(other, 'smollm2-135m', { offline: true }), withCode('offline'))
    await assert.rejects(
      pull(other, 'smollm2-136m'),
      (error) => isLmappError(error, 'model-not-found') && error.hint.includes('box/smollm2-136m'),
    )
    await using alone = await open({}, { reader: { type: 'reader' } })
    await assert.rejects(
      pull(alone, 'smollm2-136m'),
      (error) => isLmappError(error, 'model-not-found') && error.hint.includes('hf:'),
    )
  })
})
