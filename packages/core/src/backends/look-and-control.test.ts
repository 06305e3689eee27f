import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Backend, type Health, isLmappError, LmappError } from 'lmapp-kit'
import { createMockBackend } from 'lmapp-kit/testkit'
import { parseConfig } from '../config/parse-config.ts'
import { createBackendControl } from './backend-control.ts'
import { createBackendReports } from './backend-reports.ts'
import type { BackendType, Inspection } from './backend-type.ts'
import { createLooks } from './look-at-backend.ts'
import { createBackendRegistry } from './registry.ts'

const away: Health = { running: false, state: 'stopped', active: 0, queued: 0, models: [] }
const startable: Inspection = { owner: 'lmapp', startable: true, program: '/opt/engine' }
const managed: Inspection = {
  owner: 'external',
  startable: false,
  managedBy: 'systemd (engine.service)',
  restart: 'systemctl restart engine',
}

/** A backend of somebody else's, with what is changed of it. */
function open(changes: Partial<Backend>, inspect?: () => Promise<Inspection>) {
  const backend: Backend = Object.assign(createMockBackend({ models: { m: {} } }), changes)
  const type: BackendType = {
    name: 'engine',
    execution: 'built-in',
    owner: 'external',
    create: () => backend,
    ...(inspect && { inspect }),
  }
  const { config } = parseConfig(JSON.stringify({ backends: { box: { type: 'engine' } } }), 'config.json')
  const types = new Map([['engine', type]])
  const registry = createBackendRegistry({
    types: async () => types,
    config: async () => config,
    automatic: async () => [],
    context: () => ({ timeouts: config.timeouts, dataDir: '', logFile: '', modelsDir: '' }),
  })
  return { registry, backend, control: createBackendControl(registry) }
}

const reportOf = async (opened: ReturnType<typeof open>) => createBackendReports(opened.registry).show('box', {})

describe('a look at a backend', () => {
  it('calls one slow that does not answer soon, and believes for a while what it said last', async () => {
    let answer: () => Promise<Health> = async () => ({ ...away, running: true, state: 'running' })
    let now = 0
    const { registry } = open({ isRunning: () => answer() })
    const reports = createBackendReports(
      registry,
      createLooks(() => now),
    )
    const stateSoon = async () => (await reports.list({}))[0]?.state
    const late: PromiseWithResolvers<Health>[] = []
    const hang = () => {
      const { promise, ...rest } = Promise.withResolvers<Health>()
      late.push({ promise, ...rest })
      return promise
    }
    answer = hang
    assert.equal(await stateSoon(), 'slow')
    assert.equal(await stateSoon(), 'slow')
    assert.equal(late.length, 1, 'two who look share one look')
    late[0]?.resolve({ ...away, running: true, state: 'running' })
    assert.equal((await reports.show('box', {})).state, 'running')
    answer = hang
    assert.equal(await stateSoon(), 'running')
    now = 30_000
    assert.equal(await stateSoon(), 'slow')
    late[1]?.resolve(away)
    assert.equal((await reports.show('box', {})).state, 'unreachable')
  })

  it('tells who keeps it running, where its program is, and what lmapp would start', async () => {
    const box = await reportOf(open({ isRunning: async () => away }, async () => startable))
    assert.deepEqual(
      [box.state, box.reason, box.owner, box.program, box.startable],
      [...['stopped', null, 'lmapp', '/opt/engine'], true],
    )
    const running: Health = { ...away, running: true, state: 'running' }
    const own = await reportOf(open({ isRunning: async () => running }, async () => managed))
    assert.deepEqual([own.owner, own.managedBy, own.restart], ['external', managed.managedBy, managed.restart])
  })

  it('tells what stands in the way, and what mends it', async () => {
    const problem = { message: 'It may not be run.', mend: 'chmod +x engine' }
    const inspection: Inspection = { owner: 'external', startable: false, problem }
    const box = await reportOf(open({ isRunning: async () => away }, async () => inspection))
    assert.deepEqual([box.state, box.reason, box.mend], ['unreachable', problem.message, problem.mend])
    const failing = { isRunning: () => Promise.reject(new LmappError('unauthorized', 'No.')) }
    assert.equal((await reportOf(open(failing, async () => inspection))).reason, problem.message)
  })

  it('does not call a plugin stopped that runs and answers wrongly', async () => {
    const failing = { isRunning: () => Promise.reject(new LmappError('protocol-violation', 'It says no state.')) }
    const opened = open(failing, async () => startable)
    const target = await opened.registry.get('box', {})
    target.type.startsToList = true
    const box = await reportOf(opened)
    assert.deepEqual([box.state, box.reason], ['unreachable', 'It says no state.'])
  })

  it('is not spoiled by a backend that cannot even be made, nor are the others', async () => {
    const opened = open({})
    const target = await opened.registry.get('box', {})
    target.type.create = () => {
      throw new LmappError('interface-version', 'It speaks version 9.0.')
    }
    target.type.inspect = async () => startable
    const [box] = await createBackendReports(opened.registry).list({})
    assert.deepEqual([box?.state, box?.reason], ['unreachable', 'It speaks version 9.0.'])
  })

  it('is not spoiled by an inspection that fails', async () => {
    const box = await reportOf(open({ isRunning: async () => away }, () => Promise.reject(new Error('no /proc'))))
    assert.deepEqual([box.state, box.owner], ['unreachable', 'external'])
  })
})

describe('starting and stopping by hand', () => {
  it('does what lmapp would do at the next question, and forgives earlier failures', async () => {
    const opened = open({}, async () => startable)
    const { breaker } = await opened.registry.get('box', {})
    breaker.failed(new LmappError('backend-unreachable', 'Gone.'))
    await opened.control.start('box', {}, new AbortController().signal)
    assert.equal((await opened.backend.isRunning()).running, true)
    assert.equal(breaker.current.state, 'closed')
    await opened.control.stop('box', {})
    assert.equal((await opened.backend.isRunning()).running, false)
    await assert.rejects(opened.control.stop('nix', {}), (error) => isLmappError(error, 'not-found'))
  })

  it('ends nothing that lmapp did not start, and names its manager', async () => {
    const opened = open({}, async () => managed)
    await opened.backend.start()
    await assert.rejects(
      opened.control.stop('box', {}),
      (error) =>
        isLmappError(error, 'not-owner') &&
        error.message.includes('systemd (engine.service)') &&
        error.hint.includes('systemctl restart engine'),
    )
    await assert.rejects(
      open({}).control.stop('box', {}),
      (error) => isLmappError(error, 'not-owner') && error.message.includes('another program'),
    )
    assert.equal((await opened.backend.isRunning()).running, true)
  })
})
