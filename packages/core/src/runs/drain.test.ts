import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isLmappError, LmappError } from 'lmapp-kit'
import { toQuestion } from '../testing/open-core.ts'
import type { RunObserver } from './observer.ts'
import { createRunManager } from './run-manager.ts'
import { openPatient } from './testing/patient-engine.ts'

describe('draining', () => {
  it('ends when all that was begun has ended by itself; nothing new is begun', async () => {
    await using room = await openPatient(1)
    const { engine, ask, core } = room
    const running = await ask('1', { save: true })
    const waiting = await ask('2')
    const behind = ask('3', { conversation: running.conversation ?? '', save: true })
    const drained = core.runs.drain()
    await assert.rejects(ask('late'), (error) => {
      assert.ok(isLmappError(error, 'service-unavailable'))
      assert.equal(error.entry.http, 503)
      return true
    })
    for (const question of ['1', '2', '3']) {
      await engine.untilAsked(question)
      engine.finish(question)
    }
    await drained
    for (const run of [running, waiting, await behind]) assert.equal(run.end?.state, 'complete')
    assert.equal(core.runs.active, 0)
  })

  it('is over at once where nothing runs, and can be cut short', async () => {
    await using room = await openPatient(1)
    const run = await room.ask('1')
    await room.engine.untilAsked('1')
    const drained = room.core.runs.drain()
    room.engine.finish('1')
    await Promise.all([drained, room.core.runs.stopAll()])
    assert.ok(run.end)
    await room.core.runs.drain()
  })
})

describe('who observes the runs', () => {
  it('hears of every step of an answer, of those that wait and of those that are refused', async () => {
    await using room = await openPatient(1, { config: { aliases: { best: ['box/m'] } } })
    const { engine, core } = room
    const told: string[] = []
    const ended: unknown[] = []
    const observe: RunObserver = {
      queued: ({ backend, waiting }) => void told.push(`queued ${backend} ${waiting}`),
      refused: ({ backend }) => void told.push(`refused ${backend}`),
      attemptStarted: ({ backend, model }) => void told.push(`started ${backend} ${model}`),
      firstToken: ({ ms }) => void told.push(`first token ${ms >= 0}`),
      attemptEnded: ({ outcome, code }) => void told.push(`${outcome} ${code}`),
      ended: ({ totalMs, firstTokenMs, ...event }) => {
        assert.ok(totalMs >= 0)
        ended.push({ ...event, hasFirstToken: firstTokenMs !== undefined })
      },
    }
    const { store, registry: backends, library, config } = core
    await using runs = createRunManager({ store, backends, library, observe, config: async () => config })
    const ask = (text: string, client = 'a') =>
      runs.start(toQuestion(text, { model: 'box/m', save: false, client, failover: false }))
    const [first, second] = [await ask('1'), await ask('2', 'b')]
    await engine.untilAsked('1')
    engine.finish('1')
    await engine.untilAsked('2')
    engine.fail('2', new LmappError('backend-refused', 'No.'))
    await Promise.all([first.ended, second.ended])
    await (await runs.start(toQuestion('3', { model: 'nothing', save: false }))).ended
    await runs.drain()
    assert.deepEqual(told, [
      'started box m',
      'queued box 1',
      'first token true',
      'finished undefined',
      'started box m',
      'failed backend-refused',
    ])
    const box = { backend: 'box', model: 'm' }
    assert.deepEqual(ended, [
      { ...box, state: 'complete', usage: { outputTokens: 1 }, client: 'a', hasFirstToken: true },
      { ...box, state: 'failed', usage: {}, client: 'b', code: 'backend-refused', hasFirstToken: false },
      {
        backend: 'nothing',
        model: '',
        state: 'failed',
        usage: {},
        client: 'owner',
        code: 'model-not-found',
        hasFirstToken: false,
      },
    ])
  })
})
