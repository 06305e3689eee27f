import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { isLmappError, LmappError } from 'lmapp-kit'
import { createMockBackend } from 'lmapp-kit/testkit'
import type { Config } from '../config/config.ts'
import { parseConfig } from '../config/parse-config.ts'
import { createBackendReports } from './backend-reports.ts'
import type { BackendType } from './backend-type.ts'
import { createBackendRegistry } from './registry.ts'

const scripted: BackendType = {
  name: 'scripted',
  execution: 'subprocess',
  owner: 'lmapp',
  variables: ['SCRIPTED_HOST'],
  create: ({ config }) => createMockBackend({ models: config.models }),
  describeAddress: ({ environment }) => environment.SCRIPTED_HOST,
}
const shy: BackendType = { ...scripted, name: 'shy', onlyWhenNamed: true }
const deaf: BackendType = {
  ...scripted,
  name: 'deaf',
  owner: 'external',
  create: (definition) => ({
    ...createMockBackend({ models: definition.config.models }),
    isRunning: () => new Promise(() => {}),
  }),
}

const foreign: BackendType = { ...scripted, name: 'foreign', owner: 'external' }
const guest: BackendType = { ...deaf, name: 'guest', shownOnlyWhenThere: true }
const hindered: BackendType = {
  ...guest,
  name: 'hindered',
  inspect: async () => ({
    owner: 'lmapp',
    startable: false,
    problem: { message: 'It may not be run.', mend: 'chmod +x engine' },
  }),
}
const builtIn: BackendType = { ...scripted, name: 'built-in', execution: 'built-in' }

function open(config: object, more: { now?: () => number; logFile?: string; found?: string[] } = {}) {
  const parse = (value: object): Config => parseConfig(JSON.stringify(value), 'config.json').config
  const all = [scripted, shy, deaf, foreign, guest, hindered, builtIn]
  const state = { config: parse(config), types: new Map(all.map((type) => [type.name, type])) }
  const registry = createBackendRegistry({
    types: async () => state.types,
    config: async () => state.config,
    automatic: async (_types, environment) =>
      ['scripted', 'shy', ...(more.found ?? [])].map((id) => ({
        id,
        config: { type: id, enabled: true },
        environment,
      })),
    context: (id, { timeouts }) => ({
      timeouts,
      dataDir: '',
      logFile: more.logFile ?? `/nowhere/${id}.log`,
      modelsDir: '',
    }),
    ...(more.now && { now: more.now }),
  })
  const configure = (value: object) => {
    state.config = parse(value)
  }
  /** A plugin that was installed, or updated. */
  const install = (type: BackendType) => {
    state.types = new Map([...state.types, [type.name, type]])
  }
  return { registry, configure, install }
}

describe('the slots of the backends', () => {
  const request = { model: 'm', client: 'somebody', signal: new AbortController().signal }

  it('are as many as the configuration says, and read at once for all backends, one line for each id', async () => {
    let now = 0
    const { registry } = open({ backends: { box: { type: 'scripted', parallel: 1 } } }, { now: () => now })
    assert.deepEqual(registry.gauges(), [])
    const box = await registry.get('box', {})
    const here = await registry.get('scripted', { SCRIPTED_HOST: 'here' })
    now = 1_000
    const there = await registry.get('scripted', { SCRIPTED_HOST: 'there' })
    const slots = [await box.admission.enter(request), await here.admission.enter(request)]
    slots.push(await there.admission.enter(request))
    const waiting = box.admission.enter(request)
    there.breaker.failed(new LmappError('backend-unreachable', 'Gone.'))
    const byId = new Map(registry.gauges().map((gauge) => [gauge.backend, gauge]))
    assert.deepEqual(byId.get('box'), { backend: 'box', slots: 1, active: 1, waiting: 1, breaker: 'closed' })
    assert.deepEqual(byId.get('scripted'), { backend: 'scripted', slots: 1, active: 2, waiting: 0, breaker: 'open' })
    for (const slot of slots) slot[Symbol.dispose]()
    ;(await waiting)[Symbol.dispose]()
  })

  it('of one model are as many as it listed; of what lmapp runs itself they are only counted', async () => {
    const models = { m: { parallel: 2 } }
    const { registry } = open({ backends: { box: { type: 'scripted', models }, own: { type: 'built-in', models } } })
    const counted: [string, number][] = []
    for (const target of await Promise.all(['box', 'own'].map((id) => registry.get(id, {})))) {
      target.lastListed = await target.backend.listModels()
      const slot = await target.admission.enter(request)
      slot.started()
      counted.push([target.id, target.admission.slots])
      slot[Symbol.dispose]()
    }
    assert.deepEqual(counted, [
      ['box', 2],
      ['own', 64],
    ])
  })
})

describe('the registry of backends', () => {
  it('has those of the configuration first, then those found by themselves, and hides what only its name calls', async () => {
    const { registry } = open({ backends: { box: { type: 'scripted' }, off: { type: 'scripted', enabled: false } } })
    const all = await registry.list({})
    assert.deepEqual(
      all.map(({ id, hidden }) => [id, hidden]),
      [
        ['box', false],
        ['scripted', false],
        ['shy', true],
      ],
    )
    assert.deepEqual(await registry.disabled(), [{ id: 'off', type: 'scripted' }])
  })

  it('shows what only its name calls once it stands in the configuration', async () => {
    const { registry } = open({ backends: { shy: { type: 'shy' } } })
    assert.equal((await registry.get('shy', {})).hidden, false)
  })

  it('keeps a backend open while nothing about it changes, whoever asks', async () => {
    const { registry } = open({ backends: { box: { type: 'scripted', apiKeyEnv: 'BOX_KEY' } } })
    const first = await registry.get('box', { OTHER: '1', BOX_KEY: 'k' })
    assert.equal(await registry.get('box', { OTHER: '2', BOX_KEY: 'k' }), first)
    assert.notEqual(await registry.get('box', { BOX_KEY: 'another' }), first)
    const here = await registry.get('scripted', { SCRIPTED_HOST: 'here' })
    assert.notEqual(await registry.get('scripted', { SCRIPTED_HOST: 'there' }), here)
  })

  it('closes what is no longer configured, but not while somebody uses it', async () => {
    const { registry, configure } = open({ backends: { box: { type: 'scripted', models: { m: {} } } } })
    const box = await registry.get('box', {})
    await box.backend.start()
    const lease = box.lease()
    configure({})
    await registry.list({})
    assert.equal((await box.backend.isRunning()).running, true)
    lease[Symbol.dispose]()
    await registry.list({})
    assert.equal((await box.backend.isRunning()).running, false)
  })

  it('opens anew what was updated, and closes the old one at once', async () => {
    const { registry, install } = open({ backends: { box: { type: 'scripted', models: { m: {} } } } })
    const before = await registry.get('box', {})
    await before.backend.start()
    install({ ...scripted, revision: '2' })
    const after = await registry.get('box', {})
    assert.notEqual(after, before)
    assert.equal((await before.backend.isRunning()).running, false)
    assert.equal(await registry.get('box', {}), after)
  })

  it('finds what was installed meanwhile', async () => {
    const { registry, install } = open({ backends: { box: { type: 'late' } } })
    assert.deepEqual(await registry.unusable({}), [{ id: 'box', type: 'late' }])
    install({ ...scripted, name: 'late' })
    assert.equal((await registry.get('box', {})).type.name, 'late')
    assert.deepEqual(await registry.unusable({}), [])
  })

  it('closes the one of an environment that nobody sends any more, after a while', async () => {
    let now = 0
    const { registry } = open({}, { now: () => now })
    const here = await registry.get('scripted', { SCRIPTED_HOST: 'here' })
    await here.backend.start()
    await registry.list({ SCRIPTED_HOST: 'there' })
    assert.equal((await here.backend.isRunning()).running, true)
    now = 700_000
    await registry.list({ SCRIPTED_HOST: 'there' })
    assert.equal((await here.backend.isRunning()).running, false)
  })

  it('names the nearest when none has the id, and lists what there is when none is near', async () => {
    const { registry } = open({})
    await assert.rejects(
      registry.get('scriptd', {}),
      (error) => isLmappError(error, 'not-found') && error.hint.includes('"scripted"'),
    )
    await assert.rejects(
      registry.get('zzz', {}),
      (error) => isLmappError(error, 'not-found') && !error.hint.includes('mean'),
    )
  })

  it('lets one with an unknown type disturb no other, and says what is wrong to who names it', async () => {
    const { registry } = open({ backends: { box: { type: 'scriptd' }, odd: { type: 'zzz' } } })
    assert.deepEqual(
      (await registry.list({})).map(({ id }) => id),
      ['scripted', 'shy'],
    )
    assert.deepEqual(await registry.unusable({}), [
      { id: 'box', type: 'scriptd' },
      { id: 'odd', type: 'zzz' },
    ])
    await assert.rejects(
      registry.get('box', {}),
      (error) => isLmappError(error, 'config-invalid') && error.hint.includes('"scripted"'),
    )
    await assert.rejects(
      registry.get('odd', {}),
      (error) => isLmappError(error, 'config-invalid') && error.hint.includes('Known types'),
    )
  })

  it('closes all when it is disposed', async () => {
    const { registry } = open({})
    const { backend } = await registry.get('scripted', {})
    await backend.start()
    await registry[Symbol.asyncDispose]()
    assert.equal((await backend.isRunning()).running, false)
  })
})

describe('what is told of backends', () => {
  it('says state, version, owner and breaker, of those that are switched off or unusable too', async () => {
    const { registry } = open({
      backends: { off: { type: 'scripted', enabled: false }, odd: { type: 'zzz' }, dead: { type: 'deaf' } },
      timeouts: { connectMs: 20 },
    })
    const { backend } = await registry.get('scripted', {})
    await backend.start()
    const reports = await createBackendReports(registry).list({ SCRIPTED_HOST: 'here' })
    const byName = new Map(reports.map((report) => [report.name, report]))
    assert.equal(byName.get('off')?.state, 'disabled')
    assert.equal(byName.get('odd')?.state, 'failed')
    assert.equal(byName.has('shy'), false)
    assert.equal(byName.get('scripted')?.state, 'stopped', 'that of another environment is another one')
    assert.equal(byName.get('scripted')?.address, 'here')
    assert.equal(byName.get('dead')?.state, 'unreachable', 'one that does not answer keeps nobody waiting')
    assert.deepEqual(byName.get('scripted')?.breaker, { state: 'closed' })
  })

  it('leave out what nobody configured and what is not there, where its type says that nobody misses it', async () => {
    const quick = { timeouts: { connectMs: 1 } }
    const names = async (config: object) => {
      const { registry } = open({ ...quick, ...config }, { found: ['guest'] })
      return (await createBackendReports(registry).list({})).map(({ name }) => name)
    }
    assert.deepEqual(await names({}), ['scripted'])
    assert.deepEqual(await names({ backends: { guest: { type: 'guest' } } }), ['guest', 'scripted'])
  })

  it('tells what stands in the way of one that is there, whoever configured it', async () => {
    const { registry } = open({ timeouts: { connectMs: 1 } }, { found: ['hindered'] })
    const reports = await createBackendReports(registry).list({})
    assert.equal(reports.find(({ name }) => name === 'hindered')?.mend, 'chmod +x engine')
  })

  it('shows the models of one that runs', async () => {
    const { registry } = open({ backends: { box: { type: 'scripted', models: { m: {} } } } })
    const reports = createBackendReports(registry)
    assert.equal((await reports.show('box', {})).models, undefined)
    const { backend } = await registry.get('box', {})
    await backend.start()
    const shown = await reports.show('box', {})
    assert.equal(shown.state, 'running')
    assert.deepEqual(
      shown.models?.map(({ id }) => id),
      ['m'],
    )
  })

  it('gives the version of a plugin, and none of its own for an engine that does not tell one', async () => {
    const { registry } = open({ backends: { theirs: { type: 'foreign' }, ours: { type: 'built-in' } } })
    for (const id of ['scripted', 'theirs', 'ours']) await (await registry.get(id, {})).backend.start()
    const reports = await createBackendReports(registry).list({})
    const versions = Object.fromEntries(reports.map(({ name, version }) => [name, version]))
    assert.deepEqual(versions, { theirs: null, ours: null, scripted: '1.0.0' })
  })

  it('says when the breaker lets the next one through, and why it is open', async () => {
    const { registry } = open({})
    const target = await registry.get('scripted', {})
    const { LmappError } = await import('lmapp-kit')
    target.breaker.failed(new LmappError('backend-unreachable', 'Nothing there.'))
    const [report] = await createBackendReports(registry).list({})
    assert.equal(report?.breaker.state, 'open')
    assert.equal(report?.breaker.reason, 'Nothing there.')
    assert.match(report?.breaker.retryAt ?? '', /^\d{4}-/)
  })

  it('gives the last lines of the log, and nothing where there is none', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'lmapp-reports-'))
    const logFile = join(dir, 'x.log')
    await writeFile(logFile, Array.from({ length: 40_000 }, (_, n) => `line ${n}\n`).join(''))
    const reports = createBackendReports(open({}, { logFile }).registry)
    assert.equal(await reports.logs('scripted', 2, {}), 'line 39998\nline 39999\n')
    await writeFile(`${logFile}.1`, 'older 1\nolder 2\n')
    await writeFile(logFile, 'new\n')
    assert.equal(await reports.logs('scripted', 2, {}), 'older 2\nnew\n', 'just after it was put aside')
    assert.equal(await createBackendReports(open({}).registry).logs('scripted', 2, {}), '')
    const below = createBackendReports(open({}, { logFile: join(logFile, 'y.log') }).registry)
    assert.equal(await below.logs('scripted', 2, {}), '', 'a file is where its folder should be')
    await assert.rejects(createBackendReports(open({}, { logFile: dir }).registry).logs('scripted', 2, {}), (error) =>
      isLmappError(error, 'path-unusable'),
    )
    await rm(dir, { recursive: true })
  })
})
