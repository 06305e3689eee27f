import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { type Backend, LmappError, type ModelInfo } from 'lmapp-kit'
import { createMockBackend } from 'lmapp-kit/testkit'
import { createAdmission } from '../admission/index.ts'
import type { BackendType } from '../backends/backend-type.ts'
import type { RegisteredBackend } from '../backends/registry.ts'
import { createBreaker } from './breaker.ts'
import { listAll, listModels } from './list-models.ts'
import { tryAside } from './try-aside.ts'

describe('the models of several backends', () => {
  it('are there when all have answered', async () => {
    const targets = [open('one', async () => [{ id: 'a' }]), open('two', async () => [{ id: 'b' }])]
    assert.deepEqual(names(await listAll(targets)), ['one/a', 'two/b'])
    assert.deepEqual(names(await listModels(targets).soon), ['one/a', 'two/b'])
  })

  it('are there soon without one that nobody configured and that says nothing, with what it listed last', async () => {
    let answer: () => Promise<ModelInfo[]> = async () => [{ id: 'known' }]
    const slow = open('slow', () => answer(), { automatic: true })
    await listAll([slow])
    const late = Promise.withResolvers<ModelInfo[]>()
    answer = () => late.promise
    const listing = listModels([slow, open('two', async () => [{ id: 'b' }])])
    assert.deepEqual(names(await listing.soon), ['slow/known', 'two/b'])
    assert.equal(listing.incomplete, true)
    late.resolve([{ id: 'new' }])
    assert.deepEqual(names(await listing.all()), ['slow/new', 'two/b'])
  })

  it('are waited for where the user configured the backend', async () => {
    const late = Promise.withResolvers<ModelInfo[]>()
    const listing = listModels([open('slow', () => late.promise)])
    late.resolve([{ id: 'a' }])
    assert.deepEqual(names(await listing.soon), ['slow/a'])
    assert.equal(listing.incomplete, false)
  })

  it('keep nobody waiting for one that failed and is tried again, and its breaker learns how it went', async () => {
    for (const outcome of ['closed', 'open']) {
      const late = Promise.withResolvers<ModelInfo[]>()
      const target = open('one', () => late.promise)
      target.recover()
      const listing = listModels([target])
      assert.deepEqual(names(await listing.soon), [])
      assert.equal(target.breaker.admits(), false, 'one trial is enough')
      assert.deepEqual(names(await listAll([target])), [])
      if (outcome === 'closed') late.resolve([{ id: 'a' }])
      else late.reject(new LmappError('backend-unreachable', 'Still gone.'))
      await listing.all()
      assert.equal(target.breaker.current.state, outcome)
    }
  })

  it('are files all the same while the engine is left out, which they do not end', async () => {
    const reader = open('reader', () => Promise.reject(new LmappError('engine-failed', 'It is ill.')))
    reader.type.knownModels = async () => [{ id: 'file' }]
    reader.recover()
    assert.deepEqual(names(await listModels([reader]).soon), ['reader/file'])
    assert.equal(reader.breaker.current.state, 'half-open')
    reader.type.knownModels = () => Promise.reject(new LmappError('path-unusable', 'No such folder.'))
    assert.deepEqual(names(await listAll([reader])), [])
    assert.equal(reader.breaker.current.state, 'half-open')
  })

  it('are none of one whose breaker is open, of one that hangs and of one with a bug', async () => {
    const gone = open('gone', async () => [{ id: 'a' }])
    gone.breaker.failed(new LmappError('backend-unreachable', 'Gone.'))
    const broken = open('broken', () => Promise.reject(new TypeError('a bug')))
    const deaf = open('deaf', () => new Promise(() => {}))
    const unusable: RegisteredBackend = Object.defineProperty(
      open('unusable', async () => []),
      'backend',
      {
        get() {
          throw new LmappError('interface-version', 'It speaks version 9.0.')
        },
      },
    )
    assert.deepEqual(names(await listAll([gone, broken, deaf, unusable])), [])
  })
})

describe('the models of one that must be started to say them', () => {
  let dataDir = ''
  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'lmapp-listed-'))
  })
  afterEach(() => rm(dataDir, { recursive: true }))

  /** As a plugin is: it counts how often it was asked, and asking starts it. */
  function openSleeper(models: string[], more: { revision?: string; config?: Record<string, unknown> } = {}) {
    const asked = { times: 0 }
    const list = async () => {
      asked.times += 1
      await target.backend.start()
      return models.map((id) => ({ id }))
    }
    const target = open('plugin', list, { owner: 'lmapp' })
    target.type.startsToList = true
    if (more.revision) target.type.revision = more.revision
    if (more.config) target.definition.config.config = more.config
    Object.assign(target.context, { dataDir })
    return { target, asked }
  }

  it('are not asked for until somebody cannot do without them', async () => {
    const { target, asked } = openSleeper(['a'])
    const listing = listModels([target])
    assert.deepEqual(names(await listing.soon), [])
    assert.equal(listing.incomplete, true)
    assert.equal(asked.times, 0)
    assert.deepEqual(names(await listing.all()), ['plugin/a'])
    await listing.all()
    assert.equal(asked.times, 1)
  })

  it('are asked for while it runs', async () => {
    const models = ['a']
    const { target } = openSleeper(models)
    await listAll([target])
    models.push('b')
    assert.deepEqual(names(await listModels([target]).soon), ['plugin/a', 'plugin/b'])
  })

  it('are remembered beyond the end of the service, for that version and these settings', async () => {
    await listAll([openSleeper(['a']).target])
    const { target, asked } = openSleeper(['b'])
    const listing = listModels([target])
    assert.deepEqual(names(await listing.soon), ['plugin/a'])
    assert.equal(listing.incomplete, false)
    assert.equal(asked.times, 0)
    assert.deepEqual(names(await listModels([openSleeper([], { revision: '2' }).target]).soon), [])
    assert.deepEqual(names(await listModels([openSleeper([], { config: { size: 3 } }).target]).soon), [])
  })

  it('cost no trial of its breaker while nobody asks it', async () => {
    const { target, asked } = openSleeper(['a'])
    await listAll([target])
    await target.backend.stop()
    target.recover()
    assert.deepEqual(names(await listModels([target]).soon), ['plugin/a'])
    assert.deepEqual([asked.times, target.breaker.current.state], [1, 'half-open'])
    assert.equal(target.breaker.admits(), true)
    target.breaker.neutral()
    await target.backend.start()
    assert.deepEqual(names(await listModels([target]).soon), ['plugin/a'])
    assert.deepEqual([asked.times, target.breaker.current.state], [2, 'closed'])
  })

  it('are forgotten where the note of them is damaged, or cannot be written', async () => {
    for (const text of ['{', '{"models":[{}]}', '[]']) {
      await writeFile(join(dataDir, 'listed-models.json'), text)
      assert.deepEqual(names(await listModels([openSleeper(['a']).target]).soon), [])
    }
    await rm(dataDir, { recursive: true })
    await writeFile(dataDir, '')
    const { target } = openSleeper(['a'])
    assert.deepEqual(names(await listAll([target])), ['plugin/a'])
    assert.deepEqual(names(await listModels([target]).soon), ['plugin/a'])
  })

  it('are those of a sleeper where it does not even say whether it runs', async () => {
    const { target } = openSleeper(['a'])
    target.backend.isRunning = () => Promise.reject(new LmappError('engine-failed', 'Ill.'))
    assert.deepEqual(names(await listModels([target]).soon), [])
    const unusable = Object.defineProperty(openSleeper([]).target, 'backend', {
      get() {
        throw new LmappError('not-supported-yet', 'It cannot be made.')
      },
    })
    const listing = listModels([unusable])
    assert.deepEqual(names(await listing.soon), [])
    assert.deepEqual(names(await listing.all()), [])
  })
})

describe('a trial aside', () => {
  it('closes the breaker of what runs again, and keeps that of what does not', async () => {
    const well = open('well', async () => [])
    await well.backend.start()
    const away = open('away', async () => [])
    const broken = open('broken', async () => [])
    broken.backend.isRunning = () => Promise.reject(new LmappError('unauthorized', 'No.'))
    const deaf = open('deaf', async () => [])
    deaf.backend.isRunning = () => new Promise(() => {})
    const ready = open('ready', async () => [])
    ready.type.inspect = async () => ({ owner: 'lmapp', startable: true })
    const all = [well, away, broken, deaf, ready]
    for (const target of all) {
      target.recover()
      await tryAside(target)
    }
    const states = all.map(({ breaker }) => breaker.current.state)
    assert.deepEqual(states, ['closed', 'open', 'half-open', 'open', 'closed'])
  })

  it('is not made of what lmapp runs itself, nor of what nobody misses', async () => {
    const own = open('own', async () => [], { owner: 'lmapp' })
    own.recover()
    await tryAside(own)
    assert.equal(own.breaker.current.state, 'half-open')
    const fine = open('fine', async () => [])
    await tryAside(fine)
    assert.equal(fine.breaker.current.state, 'closed')
  })
})

function names(listed: readonly { target: RegisteredBackend; models: ModelInfo[] }[]): string[] {
  return listed.flatMap(({ target, models }) => models.map(({ id }) => `${target.id}/${id}`))
}

interface Opened extends RegisteredBackend {
  /** Lets its breaker open and the pause pass. */
  recover(): void
}

function open(
  id: string,
  list: () => Promise<ModelInfo[]>,
  { automatic = false, owner = 'external' }: { automatic?: boolean; owner?: BackendType['owner'] } = {},
): Opened {
  let now = 0
  const breaker = createBreaker(() => now)
  const backend: Backend = Object.assign(createMockBackend({ models: {} }), { listModels: list })
  const context = { timeouts: { connectMs: 20, stallMs: 20, loadMs: 20 }, dataDir: '', logFile: '', modelsDir: '' }
  return {
    id,
    type: { name: 'listed', execution: 'built-in', owner, create: () => backend },
    definition: { id, config: { type: 'listed', enabled: true }, environment: {} },
    context,
    hidden: false,
    automatic,
    breaker,
    admission: createAdmission({ id }),
    backend,
    lastListed: undefined,
    lease: () => ({ [Symbol.dispose]() {} }),
    recover() {
      breaker.failed(new LmappError('backend-unreachable', 'Gone.'))
      now += 20_000
    },
  }
}
