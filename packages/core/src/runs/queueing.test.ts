import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isLmappError, LmappError, type RunEnd } from 'lmapp-kit'
import { createMockBackend } from 'lmapp-kit/testkit'
import type { BackendType } from '../backends/backend-type.ts'
import { openCore, toQuestion } from '../testing/open-core.ts'
import type { Run } from './run.ts'
import { createPatient, eventsOf, fill, openPatient, untilPhase } from './testing/patient-engine.ts'

describe('a backend that is busy', () => {
  it('is asked by turns: one request of a program does not wait behind fifty of another', async () => {
    await using room = await openPatient(1)
    const { engine, ask } = room
    const many = await Promise.all(fill(5, 'many').map((text) => ask(text, { client: 'many' })))
    const single = await ask('single', { client: 'single' })
    const order = ['many1', 'many2', 'single', 'many3', 'many4', 'many5']
    for (const question of order) {
      await engine.untilAsked(question)
      engine.finish(question)
    }
    await Promise.all([...many, single].map((run) => run.ended))
    assert.deepEqual(engine.asked, order)
  })

  it('shares out between who asks, and else between owners, where no client is named', async () => {
    await using room = await openPatient(1)
    const { engine, ask } = room
    const runs = [
      await ask('first'),
      await ask('mine1'),
      await ask('mine2'),
      await ask('key1', { asker: 'key:1' }),
      await ask('key2', { asker: 'key:1' }),
    ]
    const order = ['first', 'mine1', 'key1', 'mine2', 'key2']
    for (const question of order) {
      await engine.untilAsked(question)
      engine.finish(question)
    }
    await Promise.all(runs.map((run) => run.ended))
    assert.deepEqual(engine.asked, order)
  })

  it('tells who waits its place whenever that changes, and when its turn has come', async () => {
    await using room = await openPatient(1)
    const { engine, ask } = room
    const [first, second, third] = [await ask('1'), await ask('2'), await ask('3')]
    assert.equal((await untilPhase(third, 'queued')).message, 'place 2 in the line for box')
    assert.equal(room.core.runs.queued, 2)
    for (const question of ['1', '2', '3']) {
      await engine.untilAsked(question)
      engine.finish(question)
    }
    const statuses = (await eventsOf(third)).filter((event) => event.type === 'status')
    assert.deepEqual(
      statuses.map(({ phase, vendor }) => [phase, vendor?.place]),
      [
        ['queued', 2],
        ['queued', 1],
        ['connecting', undefined],
      ],
    )
    for (const run of [first, second, third]) assert.equal((await run.ended).state, 'complete')
  })

  it('refuses who comes when 64 wait, and says when to come again', async () => {
    await using room = await openPatient(2)
    const { engine, ask, admission } = room
    const runs = await Promise.all(fill(66, 'q').map((text) => ask(text)))
    assert.deepEqual([admission.active, admission.waiting], [2, 64])
    const late = await (await ask('late')).ended
    assert.equal(late.state, 'failed')
    assert.equal(late.error?.code, 'busy')
    assert.ok(Number(late.error?.details?.retryAfterMs) >= 1_000)
    assert.equal((await room.core.registry.get('box', {})).breaker.current.state, 'closed')
    for (const question of fill(66, 'q')) {
      await engine.untilAsked(question)
      engine.finish(question)
    }
    for (const run of runs) assert.equal((await run.ended).state, 'complete')
    assert.ok(!engine.asked.includes('late'))
  })

  it('is left at once by who is cancelled while he waits', async () => {
    await using room = await openPatient(1)
    const { engine, ask, admission } = room
    const first = await ask('1')
    const second = await ask('2')
    await untilPhase(second, 'queued')
    assert.equal((await second.cancel()).state, 'stopped')
    assert.deepEqual([admission.active, admission.waiting], [1, 0])
    engine.finish('1')
    await first.ended
    assert.deepEqual(engine.asked, ['1'])
  })
})

describe('the service', () => {
  it('has 2,048 runs at most, those that wait included', async () => {
    const backends = { two: { type: 'patient', parallel: 1_024 } }
    await using room = await openPatient(1_024, { backends })
    const { core, ask } = room
    const questions = fill(1_024, 'q')
    await Promise.all(questions.flatMap((text) => [ask(text), ask(text, { model: 'two/m' })]))
    assert.equal(core.runs.active, 2_048)
    await assert.rejects(ask('late'), (error) => isLmappError(error, 'busy') && error.details?.retryAfterMs === 1_000)
    await core.runs.stopAll()
    await core.runs.drain()
    assert.equal(core.runs.active, 0)
  })
})

describe('where there are several candidates', () => {
  const aliases = { best: ['box/m', 'other/m'] }
  const other = { boxes: { other: { m: { reply: 'From the other.' } } }, config: { aliases } }

  it('the first is waited for, though another has a slot', async () => {
    await using room = await openPatient(1, other)
    const { engine, ask } = room
    const first = await ask('1', { model: 'best' })
    const second = await ask('2', { model: 'best' })
    await untilPhase(second, 'queued')
    engine.finish('1')
    await engine.untilAsked('2')
    engine.finish('2')
    assert.deepEqual(
      (await Promise.all([first.ended, second.ended])).map(({ state }) => state),
      ['complete', 'complete'],
    )
    assert.equal(second.model, 'box/m')
  })

  it('the next is asked when too many wait for the first, whose breaker stays closed', async () => {
    await using room = await openPatient(1, other)
    const { ask, core } = room
    await Promise.all(fill(65, 'q').map((text) => ask(text)))
    const run = await ask('late', { model: 'best' })
    const events = await eventsOf(run)
    const handover = events.find((event) => event.type === 'handover')
    assert.deepEqual([handover?.from, handover?.to, handover?.reason.code], ['box/m', 'other/m', 'busy'])
    assert.equal(run.end?.state, 'complete')
    assert.equal((await core.registry.get('box', {})).breaker.current.state, 'closed')
  })

  it('those that waited for one that failed meanwhile do not try it each in turn', async () => {
    await using room = await openPatient(1, other)
    const { engine, ask } = room
    const runs = await Promise.all(fill(3, 'q').map((text) => ask(text, { model: 'best' })))
    await engine.untilAsked('q1')
    engine.fail('q1', new LmappError('stalled', 'It hangs.'))
    await Promise.all(runs.map((run) => run.ended))
    assert.deepEqual(
      runs.map(({ model, end }) => [model, end?.state]),
      Array.from({ length: 3 }, () => ['other/m', 'complete']),
    )
    assert.deepEqual(engine.asked, ['q1'])
  })
})

describe('a slot', () => {
  const ends: [string, (room: Awaited<ReturnType<typeof openPatient>>, run: Run) => void, RunEnd['state']][] = [
    ['completes', ({ engine }) => engine.finish('q'), 'complete'],
    ['fails', ({ engine }) => engine.fail('q', new LmappError('backend-refused', 'No.')), 'failed'],
    ['fails by a bug of the backend', ({ engine }) => engine.fail('q', new TypeError('Oh.')), 'failed'],
    ['is cancelled', (_, run) => void run.cancel(), 'stopped'],
  ]
  for (const [what, end, state] of ends) {
    it(`is given back when the answer ${what}`, async () => {
      await using room = await openPatient(1, { config: { failover: { retries: 0 } } })
      const run = await room.ask('q')
      await room.engine.untilAsked('q')
      assert.equal(room.admission.active, 1)
      end(room, run)
      assert.equal((await run.ended).state, state)
      assert.deepEqual([room.admission.active, room.admission.waiting], [0, 0])
    })
  }

  it('is given back when the backend does not obey a cancel, five seconds later', async (test) => {
    await using room = await openPatient(1)
    room.engine.becomeDeaf()
    test.mock.timers.enable({ apis: ['setTimeout'] })
    const run = await room.ask('q')
    await room.engine.untilAsked('q')
    const cancelling = run.cancel()
    assert.equal(room.admission.active, 1)
    test.mock.timers.tick(5_000)
    assert.equal((await cancelling).state, 'stopped')
    assert.equal(room.admission.active, 0)
  })

  it('is given back when the engine stalls', async () => {
    await using room = await openPatient(1, { config: { timeouts: { stallMs: 50, loadMs: 50 } } })
    const run = await room.ask('q')
    assert.equal((await run.ended).error?.code, 'stalled')
    assert.equal(room.admission.active, 0)
  })

  it('is given back when the backend cannot be started, and others are let in at once', async () => {
    const start = () => Promise.reject(new LmappError('backend-unreachable', 'Nothing answers.'))
    const gone: BackendType = {
      name: 'gone',
      execution: 'built-in',
      owner: 'external',
      create: () => Object.assign(createMockBackend({ models: { m: {} } }), { start }),
    }
    await using core = await openCore({ boxes: {}, backends: { box: { type: 'gone' } }, types: [gone] })
    const runs = await Promise.all(
      fill(3, 'q').map((text) => core.runs.start(toQuestion(text, { model: 'box/m', save: false }))),
    )
    for (const run of runs) assert.equal((await run.ended).error?.code, 'backend-unreachable')
    assert.equal((await core.registry.get('box', {})).admission.active, 0)
  })

  it('is counted as the engine says, for all or for one model of its own', async () => {
    const engine = createPatient()
    const create = engine.type.create.bind(engine.type)
    const type: BackendType = {
      ...engine.type,
      create(...options) {
        const backend = create(...options)
        const getInfo = async () => {
          const info = await createMockBackend().getInfo()
          return { ...info, capabilities: { ...info.capabilities, parallel: 2 } }
        }
        return Object.assign(backend, { getInfo })
      },
    }
    await using core = await openCore({ boxes: {}, backends: { box: { type: 'patient' } }, types: [type] })
    const runs = await Promise.all(
      fill(3, 'q').map((text) => core.runs.start(toQuestion(text, { model: 'box/m', save: false }))),
    )
    await Promise.all([engine.untilAsked('q1'), untilPhase(runs[2] as Run, 'queued')])
    await engine.untilAsked('q2')
    assert.deepEqual(core.runs.gauges(), [{ backend: 'box', slots: 2, active: 2, waiting: 1, breaker: 'closed' }])
    for (const question of fill(3, 'q')) {
      await engine.untilAsked(question)
      engine.finish(question)
    }
    await Promise.all(runs.map((run) => run.ended))
  })
})
