import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { type CallOptions, isLmappError, LmappError } from 'lmapp-kit'
import { createMockBackend } from 'lmapp-kit/testkit'
import type { BackendType } from '../backends/backend-type.ts'
import { type Core, openCore, toQuestion } from '../testing/open-core.ts'
import { type ResolveOptions, resolveCandidates } from './resolve.ts'

/** Runs the files of the library, as the embedded backend does. */
const reader: BackendType = {
  name: 'reader',
  execution: 'subprocess',
  owner: 'lmapp',
  servesLibrary: true,
  create: () => createMockBackend(),
  knownModels: async ({ config }) => Object.keys(config.config ?? {}).map((id) => ({ id, modifiedAt: '2026-01-01' })),
}
const engine: BackendType = {
  name: 'engine',
  execution: 'built-in',
  owner: 'external',
  create: () => createMockBackend(),
  knownModels: async () => [
    { id: 'old', modifiedAt: '2025-01-01' },
    { id: 'new', modifiedAt: '2026-06-01' },
    { id: 'vectors', modifiedAt: '2026-07-01', capabilities: { chat: 'no' } },
  ],
}
const warm: BackendType = { ...engine, name: 'warm', knownModels: async () => [{ id: 'hot', loaded: true }] }
const broken: BackendType = {
  ...engine,
  name: 'broken',
  knownModels: async () => {
    throw new Error('It does not answer.')
  },
}

const asked: BackendType = {
  name: 'asked',
  execution: 'built-in',
  owner: 'external',
  create: () => Object.assign(createMockBackend(), { listModels: async () => [{ id: 'told' }] }),
}

/** Takes the connection and says nothing more. */
const silent: BackendType = {
  name: 'silent',
  execution: 'built-in',
  owner: 'external',
  create: (_definition, { timeouts }) =>
    Object.assign(createMockBackend(), {
      async listModels({ signal }: CallOptions = {}) {
        await setTimeout(timeouts.connectMs, undefined, signal ? { signal } : {})
        throw new LmappError('backend-unreachable', 'It has not answered.')
      },
    }),
}

async function resolve(core: Core, reference: string | undefined, more: Partial<ResolveOptions> = {}) {
  const { registry: backends, config, library } = core
  return resolveCandidates(reference, {
    backends,
    config,
    library,
    environment: {},
    allowFetch: true,
    offline: false,
    ...more,
  })
}

const open = (backends: Record<string, object>, config: object = {}) =>
  openCore({ boxes: {}, types: [reader, engine, warm, broken, silent, asked], config, backends })

const names = ({ candidates }: Awaited<ReturnType<typeof resolve>>) =>
  candidates.map(({ target, model }) => `${target.id}/${model}`)

describe('which model answers when none is named', () => {
  it('one that is in memory, else the newest of a running engine, else one of our own', async () => {
    const types = { reader: { type: 'reader', config: { own: 1 } }, engine: { type: 'engine' }, warm: { type: 'warm' } }
    await using all = await open(types)
    assert.deepEqual(names(await resolve(all, undefined)), ['warm/hot'])
    await using cold = await open({ reader: types.reader, engine: types.engine })
    assert.deepEqual(names(await resolve(cold, undefined)), ['engine/new'])
    await using alone = await open({ reader: types.reader, broken: { type: 'broken' } })
    assert.deepEqual(names(await resolve(alone, undefined)), ['reader/own'])
  })

  it('a plugin only once it was used, or when nothing else is here: then it is started to say what it has', async () => {
    const plugin: BackendType = { ...asked, name: 'plugin', owner: 'lmapp', startsToList: true }
    const own = { reader: { type: 'reader', config: { own: 1 } } }
    await using core = await openCore({
      boxes: {},
      types: [reader, plugin],
      backends: { ...own, plugin: { type: 'plugin' } },
    })
    assert.deepEqual(names(await resolve(core, undefined)), ['reader/own'])
    assert.deepEqual(names(await resolve(core, 'told')), ['plugin/told'])
    assert.deepEqual(names(await resolve(core, undefined)), ['reader/own'])
    const all = async () => new Map([['plugin/told', '2026-01-01']])
    assert.deepEqual(names(await resolve(core, undefined, { uses: { all, note: async () => {} } })), ['plugin/told'])
    await using alone = await openCore({ boxes: {}, types: [plugin], backends: { plugin: { type: 'plugin' } } })
    assert.deepEqual(names(await resolve(alone, undefined)), ['plugin/told'])
  })

  it('the configured one before all others', async () => {
    await using core = await open({ warm: { type: 'warm' }, engine: { type: 'engine' } }, { model: 'old' })
    assert.deepEqual(names(await resolve(core, undefined)), ['engine/old'])
  })

  it('the small default, fetched, when there is none at all', async () => {
    await using core = await open({ reader: { type: 'reader' } })
    const resolution = await resolve(core, undefined)
    assert.deepEqual(names(resolution), ['reader/smollm2-135m'])
    assert.equal(resolution.fetch?.name, 'smollm2-135m')
    await assert.rejects(resolve(core, undefined, { offline: true }), (error) => isLmappError(error, 'offline'))
    await assert.rejects(resolve(core, undefined, { allowFetch: false }), (error) => isLmappError(error, 'no-backend'))
  })

  it('nobody, when no backend is there', async () => {
    await using core = await open({})
    await assert.rejects(resolve(core, undefined), (error) => isLmappError(error, 'no-backend'))
  })
})

describe('which of the files on this machine answers when none is named', () => {
  const gigabyte = 1e9
  const memory = { layers: 28, embeddingLength: 3072, headCount: 24, headCountKv: 8 }
  const file = (id: string, gigabytes: number, modifiedAt: string, keeper = true) => ({
    id,
    sizeBytes: gigabytes * gigabyte,
    contextLength: 4096,
    memory,
    modifiedAt,
    origin: keeper ? 'ollama' : 'lmapp',
    ...(keeper && { keeper: { name: 'Ollama', remove: `ollama rm ${id}` } }),
  })
  const openWith = (...files: ReturnType<typeof file>[]) => {
    const disk: BackendType = { ...reader, name: 'disk', knownModels: async () => files }
    return openCore({ boxes: {}, types: [disk], backends: { disk: { type: 'disk' } } })
  }
  const found = [file('huge', 43, '2026-09-01'), file('half', 7, '2026-08-01'), file('small', 2, '2026-02-01')]
  const freeMemory = () => 12 * gigabyte
  const usesOf = (...refs: string[]) => ({
    all: async () => new Map(refs.map((ref, index) => [ref, `2026-0${index + 1}-01`])),
    note: async () => {},
  })

  it('never one that is too large, nor a large one of another program’s', async () => {
    await using core = await openWith(...found)
    assert.deepEqual(names(await resolve(core, undefined, { freeMemory })), ['disk/small'])
    await using large = await openWith(file('huge', 43, '2026-09-01'))
    assert.equal((await resolve(large, undefined, { freeMemory })).fetch?.name, 'smollm2-135m')
  })

  it('the last one used first, then one of lmapp’s own', async () => {
    await using core = await openWith(...found, file('own', 1, '2026-01-01', false))
    assert.deepEqual(names(await resolve(core, undefined, { freeMemory })), ['disk/own'])
    const uses = usesOf('disk/small', 'disk/half', 'disk/huge')
    assert.deepEqual(names(await resolve(core, undefined, { freeMemory, uses })), ['disk/half'])
  })

  it('by the memory that the system says is free, where nothing else is said', async () => {
    await using core = await openWith(file('own', 0.001, '2026-01-01', false))
    assert.deepEqual(names(await resolve(core, undefined)), ['disk/own'])
  })
})

describe('a model that an engine and a file of its program both have', () => {
  const disk: BackendType = {
    ...reader,
    name: 'disk',
    knownModels: async () => [
      { id: 'smollm2', origin: 'ollama', keeper: { name: 'Ollama', remove: 'ollama rm smollm2' } },
      { id: 'own', origin: 'lmapp' },
    ],
  }
  const ollama: BackendType = { ...engine, name: 'ollama', knownModels: async () => [{ id: 'smollm2:latest' }] }
  const openBoth = (withEngine = true) =>
    openCore({
      boxes: {},
      types: [disk, ollama],
      backends: { disk: { type: 'disk' }, ...(withEngine && { ollama: { type: 'ollama' } }) },
    })

  it('is one name: the engine that runs answers, and the file steps in', async () => {
    await using core = await openBoth()
    for (const reference of ['smollm2', 'smollm2:latest', 'smol']) {
      assert.deepEqual(names(await resolve(core, reference)), ['ollama/smollm2:latest', 'disk/smollm2'])
    }
  })

  it('is found without the engine too, with and without its tag', async () => {
    await using core = await openBoth(false)
    for (const reference of ['smollm2', 'smollm2:latest', 'disk/smollm2', 'disk/smollm2:latest']) {
      assert.deepEqual(names(await resolve(core, reference)), ['disk/smollm2'])
    }
  })

  it('keeps a tag that the configuration gave it', async () => {
    await using core = await openCore({
      boxes: {},
      types: [disk],
      backends: { disk: { type: 'disk', models: { 'mine:latest': '/a.gguf' } } },
    })
    assert.deepEqual(names(await resolve(core, 'disk/mine:latest')), ['disk/mine:latest'])
  })
})

describe('a model reference', () => {
  it('that names the backend asks no list', async () => {
    await using core = await open({ broken: { type: 'broken' } })
    assert.deepEqual(names(await resolve(core, 'broken/what:ever/it is')), ['broken/what:ever/it is'])
  })

  it('that is bare is found on all that have it, and completed from an unambiguous beginning, with a notice', async () => {
    await using core = await open({ one: { type: 'engine' }, two: { type: 'engine' } })
    assert.deepEqual(names(await resolve(core, 'old')), ['one/old', 'two/old'])
    const completed = await resolve(core, 'vec')
    assert.deepEqual(names(completed), ['one/vectors', 'two/vectors'])
    assert.match(completed.notice ?? '', /vectors/)
    await assert.rejects(resolve(core, 'nothing'), (error) => isLmappError(error, 'model-not-found'))
  })

  it('to the default model fetches it when it is not here, by its full name too', async () => {
    await using core = await open({ reader: { type: 'reader' } })
    for (const reference of ['smollm2-135m', 'reader/smollm2-135m']) {
      assert.equal((await resolve(core, reference)).fetch?.name, 'smollm2-135m')
    }
    await assert.rejects(resolve(core, 'smollm2-135m', { offline: true }), (error) => isLmappError(error, 'offline'))
    assert.equal((await resolve(core, 'reader/smollm2-135m', { allowFetch: false })).fetch, undefined)
    await using own = await open({ reader: { type: 'reader', models: { 'smollm2-135m': '/a.gguf' } } })
    assert.equal((await resolve(own, 'reader/smollm2-135m')).fetch, undefined)
  })

  it('says in the run how it was understood', async () => {
    await using core = await openCore({ boxes: { box: { 'a-long-name': { reply: 'Yes.' } } } })
    const run = await core.runs.start(toQuestion('Hello?', { model: 'a-long' }))
    await run.ended
    const warnings = (await Array.fromAsync(run.events({ from: 0 }))).filter(({ event }) => event.type === 'warning')
    assert.equal(warnings.length, 1)
  })
})

describe('the list of all models', () => {
  it('passes by a backend whose breaker is open, and one that fails', async () => {
    await using core = await open({ engine: { type: 'engine' }, asked: { type: 'asked' }, broken: { type: 'broken' } })
    const fail = async (id: string) => {
      const target = await core.registry.get(id, {})
      target.breaker.failed(new LmappError('backend-unreachable', 'Gone.'))
    }
    await fail('asked')
    await assert.rejects(resolve(core, 'told'), (error) => isLmappError(error, 'model-not-found'))
    await fail('engine')
    assert.deepEqual(names(await resolve(core, 'old')), ['engine/old'], 'its files are there all the same')
  })

  it('waits once for a backend that hangs: what it says at its own limit opens its breaker', async () => {
    await using core = await open(
      { silent: { type: 'silent' }, engine: { type: 'engine' } },
      { timeouts: { connectMs: 20 } },
    )
    assert.deepEqual(names(await resolve(core, 'old')), ['engine/old'])
    assert.equal((await core.registry.get('silent', {})).breaker.current.state, 'open')
  })
})
