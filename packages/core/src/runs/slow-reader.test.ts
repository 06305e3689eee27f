import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isLmappError } from 'lmapp-kit'
import { createMockBackend } from 'lmapp-kit/testkit'
import type { BackendType } from '../backends/backend-type.ts'
import { type Core, openCore, toQuestion } from '../testing/open-core.ts'
import type { Run } from './run.ts'
import { eventsOf, textOf } from './testing/patient-engine.ts'

describe('a slow reader', () => {
  it('holds the engine back without an end: what is produced stays bounded, and nothing is lost', async (test) => {
    let produced = 0
    const fast: BackendType = {
      name: 'fast',
      execution: 'built-in',
      owner: 'external',
      create: () =>
        Object.assign(createMockBackend({ models: { m: {} } }), {
          async *chat() {
            for (; produced < 20_000; produced += 1) yield { type: 'text-delta' as const, text: `${produced} ` }
            yield { type: 'finish' as const, reason: 'stop' as const, usage: {} }
          },
        }),
    }
    await using core = await openCore({ boxes: {}, backends: { box: { type: 'fast' } }, types: [fast] })
    test.mock.timers.enable({ apis: ['setTimeout', 'Date'] })
    const run = await core.runs.start(toQuestion('Go.', { model: 'box/m', save: false, replay: false }))
    const words: string[] = []
    for await (const { seq, event } of run.events({ from: 0 })) {
      if (event.type === 'text-delta') words.push(event.text)
      assert.ok(produced - words.length <= 1_500, `${produced - words.length} ahead`)
      // Longer than the engine may stall: the time that lmapp holds it back is not its own.
      if (seq % 1_000 === 0) {
        await new Promise((resolve) => setImmediate(resolve))
        test.mock.timers.tick(600_000)
      }
    }
    assert.equal(run.end?.state, 'complete')
    assert.deepEqual([words.length, words.at(-1)], [20_000, '19999 '])
  })

  it('that leaves lets the engine go on to its end', async () => {
    await using core = await openCore({ boxes: { box: { m: { reply: 'word ', repeatTokens: 5_000 } } } })
    const run = await core.runs.start(toQuestion('Go.', { model: 'box/m', save: false, replay: false }))
    for await (const { event } of run.events({ from: 0 })) if (event.type === 'text-delta') break
    assert.equal((await run.ended).usage.outputTokens, 5_000)
  })

  it('of an answer that is stored loses nothing of it', async () => {
    await using core = await openCore({ boxes: { box: { m: { reply: 'word ', repeatTokens: 5_000 } } } })
    const run = await core.runs.start(toQuestion('Go.', { model: 'box/m', replay: false }))
    const events = await eventsOf(run)
    const { messages } = await core.store.getConversation(run.conversation ?? '', 'owner')
    assert.equal(messages[1]?.text, textOf(events))
    assert.equal(textOf(events).length, 25_000)
  })
})

describe('a run that ended', () => {
  const isGone = (core: Core, run: Run) => {
    try {
      core.runs.get(run.id, 'owner')
      return false
    } catch (error) {
      assert.ok(isLmappError(error, 'not-found'))
      return true
    }
  }

  it('can be joined and replayed, unless that is not wanted: then it is forgotten when its reader is through', async () => {
    await using core = await openCore({ boxes: { box: { m: { reply: 'Well.' } } } })
    const start = (replay: boolean) =>
      core.runs.start(toQuestion('Go.', { model: 'box/m', save: false, ...(!replay && { replay }) }))
    const [kept, dropped] = [await start(true), await start(false)]
    await Promise.all([eventsOf(kept), eventsOf(dropped)])
    await core.runs.drain()
    assert.deepEqual([isGone(core, kept), isGone(core, dropped)], [false, true])
    assert.equal((await eventsOf(kept)).at(-1)?.type, 'end')
  })

  it('is still there for a reader that comes late, and forgotten after it', async () => {
    await using core = await openCore({ boxes: { box: { m: { reply: 'Well.' } } } })
    const run = await core.runs.start(toQuestion('Go.', { model: 'box/m', save: false, replay: false }))
    await core.runs.drain()
    assert.equal(isGone(core, run), false)
    assert.equal((await eventsOf(run)).at(-1)?.type, 'end')
    assert.equal(isGone(core, run), true)
  })

  it('is one of a thousand at most', async () => {
    await using core = await openCore({ boxes: { box: { m: { reply: 'Well.' } } } })
    const first = await core.runs.start(toQuestion('Go.', { model: 'box/m', save: false }))
    await first.ended
    const again = async () => (await core.runs.start(toQuestion('Go.', { model: 'box/m', save: false }))).ended
    for (let n = 0; n < 50; n += 1) await Promise.all(Array.from({ length: 20 }, again))
    await core.runs.drain()
    assert.equal(isGone(core, first), true)
  })
})
