import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { NumberedRunEvent, RunEnd, RunEvent } from 'lmapp-kit'
import { isLmappError, LmappError } from 'lmapp-kit'
import { createMockBackend } from 'lmapp-kit/testkit'
import type { BackendType } from '../backends/backend-type.ts'
import { type Core, openCore, toQuestion } from '../testing/open-core.ts'
import type { Run } from './run.ts'
import { createRunManager } from './run-manager.ts'

const reply = 'one two three four five six seven eight nine ten'

async function eventsOf(run: Run): Promise<(RunEvent | NumberedRunEvent['event'])[]> {
  return (await Array.fromAsync(run.events({ from: 0 }))).map(({ event }) => event)
}

function textOf(events: { type: string }[]): string {
  return events.map((event) => ('text' in event && event.type === 'text-delta' ? event.text : '')).join('')
}

/** Resolves when the run has said this much. */
async function untilText(run: Run, wanted: string): Promise<void> {
  let text = ''
  for await (const { event } of run.events({ from: 0 })) {
    if (event.type === 'text-delta') text += event.text
    if (text.includes(wanted)) return
  }
}

async function stored(core: Core, run: Run) {
  const conversation = await core.store.getConversation(run.conversation ?? '', 'owner')
  return conversation.messages.map(({ role, text, state }) => ({ role, text, state }))
}

describe('a run', () => {
  it('streams start, deltas and one end, and the store has question and answer', async () => {
    await using core = await openCore({ boxes: { box: { m: { reply } } } })
    const run = await core.runs.start(toQuestion('Count.', { model: 'box/m' }))
    const events = await eventsOf(run)
    assert.equal(events[0]?.type, 'start')
    assert.equal(textOf(events), reply)
    const end = events.at(-1) as RunEnd
    assert.equal(end.state, 'complete')
    assert.equal(end.reason, 'stop')
    assert.equal(end.usage.outputTokens, 10)
    assert.ok(end.timings.totalMs >= 0)
    assert.equal(events.filter(({ type }) => type === 'end').length, 1)
    assert.deepEqual(await stored(core, run), [
      { role: 'user', text: 'Count.', state: 'complete' },
      { role: 'assistant', text: reply, state: 'complete' },
    ])
  })

  it('has its question in the store before the backend is asked', async () => {
    await using core = await openCore({ boxes: { box: { m: { reply, fault: { kind: 'hang' } } } } })
    const run = await core.runs.start(toQuestion('Anybody?', { model: 'box/m' }))
    assert.deepEqual(await stored(core, run), [
      { role: 'user', text: 'Anybody?', state: 'complete' },
      { role: 'assistant', text: '', state: 'running' },
    ])
    assert.equal((await run.cancel()).state, 'stopped')
  })

  it('goes on in the same conversation with all that was said, and its system prompt', async () => {
    await using core = await openCore({ boxes: { box: { m: { reply: '{turns}/{system}/{question}' } } } })
    const first = await core.runs.start(toQuestion('A', { model: 'box/m', system: 'Be brief.' }))
    await first.ended
    const second = await core.runs.start(toQuestion('B', { conversation: first.conversation ?? '' }))
    await second.ended
    assert.equal(second.model, 'box/m', 'the model of the conversation')
    const texts = (await stored(core, second)).map(({ text }) => text)
    assert.equal(texts.length, 4)
    assert.match(texts[3] ?? '', /Be brief\.\/B$/)
  })

  it('that is not saved leaves nothing in the store', async () => {
    await using core = await openCore({ boxes: { box: { m: { reply } } } })
    const run = await core.runs.start(toQuestion('Secret.', { model: 'box/m', save: false }))
    assert.equal(textOf(await eventsOf(run)), reply)
    assert.equal(run.conversation, undefined)
    assert.deepEqual(await core.store.listConversations({ owner: 'owner' }), [])
  })

  it('is kept as far as it came when it is cancelled', async () => {
    await using core = await openCore({ boxes: { box: { m: { reply, repeatTokens: 500, paceMs: 5 } } } })
    const run = await core.runs.start(toQuestion('Count.', { model: 'box/m' }))
    await untilText(run, 'three ')
    const end = await run.cancel()
    assert.equal(end.state, 'stopped')
    const [, answer] = await stored(core, run)
    assert.equal(answer?.state, 'stopped')
    assert.match(answer?.text ?? '', /^one two three /)
  })

  it('is refused when the question is empty', async () => {
    await using core = await openCore({ boxes: { box: { m: {} } } })
    const starting = core.runs.start(toQuestion('  \n', { model: 'box/m' }))
    await assert.rejects(starting, (error) => isLmappError(error, 'bad-input'))
  })

  it('in one conversation waits for the one before it', async () => {
    await using core = await openCore({ boxes: { box: { m: { reply: '{turns}', repeatTokens: 30, paceMs: 2 } } } })
    const first = await core.runs.start(toQuestion('A', { model: 'box/m' }))
    const conversation = first.conversation ?? ''
    const others = await Promise.all(['B', 'C'].map((text) => core.runs.start(toQuestion(text, { conversation }))))
    await Promise.all(others.map((run) => run.ended))
    assert.deepEqual(
      (await stored(core, first)).map(({ role, state }) => `${role} ${state}`),
      Array.from({ length: 3 }, () => ['user complete', 'assistant complete']).flat(),
    )
  })

  it('is waited for by who wants all to have ended', async () => {
    await using core = await openCore({ boxes: { box: { m: { reply, paceMs: 1 } } } })
    const run = await core.runs.start(toQuestion('Count.', { model: 'box/m' }))
    await core.runs.allEnded()
    assert.equal(run.state, 'complete')
  })

  it('belongs to its owner', async () => {
    await using core = await openCore({ boxes: { box: { m: {} } } })
    const run = await core.runs.start(toQuestion('Mine.', { model: 'box/m' }))
    assert.equal(core.runs.get(run.id, 'owner'), run)
    assert.throws(
      () => core.runs.get(run.id, 'key:other'),
      (error) => isLmappError(error, 'not-found'),
    )
    await run.ended
    assert.deepEqual(core.runs.list('owner'), [])
  })

  it('with a model that nobody has fails, and the question is kept', async () => {
    await using core = await openCore({ boxes: { box: { m: {} } } })
    const run = await core.runs.start(toQuestion('Hello?', { model: 'nothing' }))
    const end = await run.ended
    assert.equal(end.state, 'failed')
    assert.equal(end.error?.code, 'model-not-found')
    assert.equal((await stored(core, run))[0]?.text, 'Hello?')
  })

  it('stops an engine that babbles on past the bound of an answer', async () => {
    await using core = await openCore({ boxes: { box: { m: { reply: 'bla ', repeatTokens: 40_000 } } } })
    const run = await core.runs.start(toQuestion('Go.', { model: 'box/m', save: false }))
    const end = await run.ended
    assert.equal(end.state, 'length')
  })

  it('keeps what the engine thought apart from what it said', async () => {
    await using core = await openCore({ boxes: { box: { m: { reply, reasoningText: 'Let me count.' } } } })
    const run = await core.runs.start(toQuestion('Count.', { model: 'box/m' }))
    await run.ended
    const { messages } = await core.store.getConversation(run.conversation ?? '', 'owner')
    assert.deepEqual(messages[1]?.parts, [
      { type: 'reasoning', text: 'Let me count.' },
      { type: 'text', text: reply },
    ])
  })
})

describe('continue and retry', () => {
  it('continue adds to the same message, exactly where it ended', async () => {
    await using core = await openCore({ boxes: { box: { m: { reply } } } })
    const first = await core.runs.start(toQuestion('Count.', { model: 'box/m', options: { maxTokens: 4 } }))
    assert.equal((await first.ended).state, 'length')
    const second = await core.runs.start({
      ...toQuestion(''),
      kind: 'continue',
      message: first.message,
      options: { maxTokens: 100 },
    })
    assert.equal(second.message, first.message)
    const events = await eventsOf(second)
    assert.equal(textOf(events), 'five six seven eight nine ten')
    assert.deepEqual((await stored(core, second)).at(-1), { role: 'assistant', text: reply, state: 'complete' })
  })

  it('continue gives a joiner the whole text, what earlier runs wrote included', async () => {
    await using core = await openCore({ boxes: { box: { m: { reply } } } })
    const first = await core.runs.start(toQuestion('Count.', { model: 'box/m', options: { maxTokens: 4 } }))
    await first.ended
    const second = await core.runs.start({
      ...toQuestion(''),
      kind: 'continue',
      conversation: first.conversation ?? '',
    })
    await second.ended
    for await (const { event } of second.events()) {
      if (event.type === 'snapshot') assert.match(event.text, /^one two three four/)
    }
  })

  it('continue of a complete answer is refused', async () => {
    await using core = await openCore({ boxes: { box: { m: { reply } } } })
    const run = await core.runs.start(toQuestion('Count.', { model: 'box/m' }))
    await run.ended
    const again = core.runs.start({ ...toQuestion(''), kind: 'continue', message: run.message })
    await assert.rejects(again, (error) => isLmappError(error, 'bad-input'))
  })

  it('continue of an answer that is being written joins it', async () => {
    await using core = await openCore({ boxes: { box: { m: { reply, repeatTokens: 400, paceMs: 5 } } } })
    const run = await core.runs.start(toQuestion('Count.', { model: 'box/m' }))
    const joined = await core.runs.start({ ...toQuestion(''), kind: 'continue', message: run.message })
    assert.equal(joined, run)
    await run.cancel()
  })

  it('continue on a model that cannot says so, and the text stays', async () => {
    await using core = await openCore({
      boxes: { box: { m: { reply, continue: false, fault: { kind: 'drop', afterTokens: 3, times: 1 } } } },
    })
    const run = await core.runs.start(toQuestion('Count.', { model: 'box/m' }))
    assert.equal((await run.ended).state, 'incomplete')
    const again = await core.runs.start({ ...toQuestion(''), kind: 'continue', message: run.message })
    const end = await again.ended
    assert.equal(end.error?.code, 'unsupported')
    assert.equal((await stored(core, run))[1]?.text, 'one two three ')
  })

  it('retry writes a sibling, and the first answer stays', async () => {
    await using core = await openCore({ boxes: { box: { m: { reply }, other: { reply: 'Another.' } } } })
    const first = await core.runs.start(toQuestion('Count.', { model: 'box/m' }))
    await first.ended
    const second = await core.runs.start({
      ...toQuestion(''),
      kind: 'retry',
      conversation: first.conversation ?? '',
      model: 'box/other',
    })
    await second.ended
    assert.deepEqual(
      (await stored(core, second)).map(({ text }) => text),
      ['Count.', 'Another.'],
    )
    const before = await core.store.getConversation(first.message, 'owner')
    assert.equal(before.messages.at(-1)?.text, reply)
  })

  it('without an answer there is nothing to retry', async () => {
    await using core = await openCore({ boxes: { box: { m: {} } } })
    const nothing = core.runs.start({ ...toQuestion(''), kind: 'retry' })
    await assert.rejects(nothing, (error) => isLmappError(error, 'bad-input'))
  })
})

describe('a question that does not fit the context', () => {
  it('is kept, and no longer read: the next one is answered', async () => {
    await using core = await openCore({ boxes: { box: { m: { contextLength: 64 } } } })
    const ask = async (text: string, conversation?: string) => {
      const run = await core.runs.start(toQuestion(text, { model: 'box/m', ...(conversation && { conversation }) }))
      return { run, end: await run.ended }
    }
    const first = await ask('word '.repeat(200))
    assert.equal(first.end.error?.code, 'context-overflow')
    const second = await ask('Short.', first.run.conversation)
    assert.equal(second.end.state, 'complete')
    const { messages } = await core.store.getConversation(first.run.conversation ?? '', 'owner')
    assert.deepEqual(
      messages.map(({ state }) => state),
      ['complete', 'failed', 'complete', 'complete'],
    )
  })
})

describe('the models that were used', () => {
  it('are remembered when an answer is stored, and not of one that nothing is kept of', async () => {
    await using core = await openCore({ boxes: { box: { m: { reply } } } })
    const noted: string[] = []
    const uses = { note: async (ref: string) => void noted.push(ref), all: async () => new Map<string, string>() }
    const { store, registry: backends, library } = core
    await using runs = createRunManager({ store, backends, library, uses, config: async () => core.config })
    for (const save of [false, true]) {
      await (await runs.start(toQuestion('Count.', { model: 'box/m', save }))).ended
      await runs.allEnded()
    }
    await core.store.getFact('any')
    assert.deepEqual(noted, ['box/m'])
  })
})

describe('failover', () => {
  const aliases = { best: ['one/m', 'two/m'] }

  it('asks the next candidate when one fails before its first token, after a handover', async () => {
    await using core = await openCore({
      boxes: { one: { m: { fault: { kind: 'fail-at-once' } } }, two: { m: { reply } } },
      config: { aliases },
    })
    const run = await core.runs.start(toQuestion('Count.', { model: 'best' }))
    const events = await eventsOf(run)
    const handover = events.find(({ type }) => type === 'handover')
    assert.ok(handover?.type === 'handover')
    assert.deepEqual([handover.from, handover.to], ['one/m', 'two/m'])
    assert.equal(textOf(events), reply)
    assert.equal(run.model, 'two/m')
  })

  it('tries the same one once more where the error says so', async () => {
    await using core = await openCore({
      boxes: { one: { m: { reply, fault: { kind: 'fail-at-once', times: 1 } } } },
    })
    const run = await core.runs.start(toQuestion('Count.', { model: 'one/m' }))
    assert.equal((await run.ended).state, 'complete')
  })

  it('in the middle of a sentence another one goes on, exactly', async () => {
    await using core = await openCore({
      boxes: { one: { m: { reply, fault: { kind: 'drop', afterTokens: 4 } } }, two: { m: { reply } } },
      config: { aliases },
    })
    const run = await core.runs.start(toQuestion('Count.', { model: 'best' }))
    const events = await eventsOf(run)
    assert.equal(textOf(events), reply)
    assert.ok(events.some(({ type }) => type === 'handover'))
    assert.deepEqual((await stored(core, run))[1], { role: 'assistant', text: reply, state: 'complete' })
  })

  it('in the middle of a sentence passes by one that cannot continue; then the answer is incomplete and kept', async () => {
    await using core = await openCore({
      boxes: { one: { m: { reply, fault: { kind: 'drop', afterTokens: 4 } } }, two: { m: { reply, continue: false } } },
      config: { aliases },
    })
    const run = await core.runs.start(toQuestion('Count.', { model: 'best' }))
    const end = await run.ended
    assert.equal(end.state, 'incomplete')
    assert.equal((await stored(core, run))[1]?.text, 'one two three four ')
  })

  it('does not happen when it is switched off', async () => {
    await using core = await openCore({
      boxes: { one: { m: { fault: { kind: 'refuse' } } }, two: { m: { reply } } },
      config: { aliases },
    })
    const run = await core.runs.start(toQuestion('Count.', { model: 'best', failover: false }))
    const end = await run.ended
    assert.equal(end.state, 'failed')
    assert.equal(end.error?.code, 'backend-refused')
  })

  it('names all that failed when none is left', async () => {
    const bad = { m: { fault: { kind: 'fail-at-once' } } }
    await using core = await openCore({ boxes: { one: bad, two: bad }, config: { aliases } })
    const run = await core.runs.start(toQuestion('Count.', { model: 'best' }))
    const end = await run.ended
    assert.equal(end.error?.code, 'candidates-failed')
    assert.equal((end.error?.details?.failures as unknown[]).length, 2)
  })

  it('waits as long as the engine asks, where nobody else could answer', async () => {
    await using core = await openCore({ boxes: {}, backends: { box: { type: 'limited' } }, types: [limited(5)] })
    const run = await core.runs.start(toQuestion('Count.', { model: 'box/m' }))
    const events = await eventsOf(run)
    assert.ok(events.some((event) => event.type === 'status' && event.phase === 'queued'))
    assert.equal(textOf(events), reply)
  })

  it('stops waiting when it is cancelled', async () => {
    await using core = await openCore({ boxes: {}, backends: { box: { type: 'limited' } }, types: [limited(50_000)] })
    const run = await core.runs.start(toQuestion('Count.', { model: 'box/m' }))
    for await (const { event } of run.events({ from: 0 })) if (event.type === 'status') break
    await run.cancel()
    assert.equal((await run.ended).state, 'stopped')
  })

  it('does not wait where another can answer, nor for the next requests as long as it was asked to', async () => {
    await using core = await openCore({
      boxes: { two: { m: { reply } } },
      backends: { one: { type: 'limited' } },
      types: [limited(50_000)],
      config: { aliases },
    })
    const handovers = async () => {
      const events = await eventsOf(await core.runs.start(toQuestion('Count.', { model: 'best' })))
      assert.equal(textOf(events), reply)
      return events.filter(({ type }) => type === 'handover').length
    }
    assert.deepEqual([await handovers(), await handovers()], [1, 0])
  })

  it('does not wait for ever: beyond a minute the user hears of it', async () => {
    await using core = await openCore({ boxes: {}, backends: { box: { type: 'limited' } }, types: [limited(61_000)] })
    const end = await (await core.runs.start(toQuestion('Count.', { model: 'box/m' }))).ended
    assert.equal(end.error?.code, 'rate-limited')
  })

  it('says who answers, also while the first is only tried aside again', async () => {
    let now = 0
    const away: BackendType = {
      name: 'away',
      execution: 'built-in',
      owner: 'external',
      create: () => Object.assign(createMockBackend({ models: { m: {} } }), { isRunning: () => new Promise(() => {}) }),
    }
    await using core = await openCore({
      boxes: { two: { m: { reply } } },
      backends: { one: { type: 'away' } },
      types: [away],
      config: { aliases },
      now: () => now,
    })
    const one = await core.registry.get('one', {})
    one.breaker.failed(new LmappError('backend-unreachable', 'Gone.'))
    now = 11_000
    assert.equal(one.breaker.current.state, 'half-open')
    const run = await core.runs.start(toQuestion('Count.', { model: 'best' }))
    assert.equal(run.model, 'two/m')
    assert.equal(textOf(await eventsOf(run)), reply)
  })

  it('tells what each said who could not go on in mid-sentence', async () => {
    await using core = await openCore({
      boxes: {
        one: { m: { reply, fault: { kind: 'drop', afterTokens: 4 } } },
        two: { m: { reply, fault: { kind: 'fail-at-once' } } },
      },
      config: { aliases },
    })
    const end = await (await core.runs.start(toQuestion('Count.', { model: 'best' }))).ended
    assert.equal(end.state, 'incomplete')
    assert.match(end.error?.message ?? '', /two\/m: /)
    assert.deepEqual(
      (end.error?.details?.failures as { reference: string }[]).map(({ reference }) => reference),
      ['one/m', 'two/m'],
    )
  })

  it('does not wait again for a backend that hung: its breaker is open', async () => {
    await using core = await openCore({
      boxes: { one: { m: { fault: { kind: 'hang' } } }, two: { m: { reply } } },
      config: { aliases, timeouts: { stallMs: 50, loadMs: 50 } },
    })
    const first = await core.runs.start(toQuestion('Count.', { model: 'best' }))
    assert.equal((await first.ended).state, 'complete')
    const second = await core.runs.start(toQuestion('Count.', { model: 'best' }))
    const events = await eventsOf(second)
    assert.equal(events[0]?.type === 'start' && events[0].model, 'two/m')
    assert.equal(textOf(events), reply)
    const [one] = await core.registry.list({})
    assert.equal(one?.breaker.current.state, 'open')
  })

  it('asks a backend whose breaker is open when no other is left', async () => {
    await using core = await openCore({
      boxes: { one: { m: { reply, fault: { kind: 'hang', times: 1 } } } },
      config: { timeouts: { stallMs: 50, loadMs: 50 } },
    })
    const first = await core.runs.start(toQuestion('Count.', { model: 'one/m' }))
    assert.equal((await first.ended).error?.code, 'stalled')
    const second = await core.runs.start(toQuestion('Count.', { model: 'one/m' }))
    assert.equal((await second.ended).state, 'complete')
  })
})

describe('a full disk', () => {
  it('ends the answer with what arrived, says so, and later answers are stored again', async () => {
    await using core = await openCore({
      boxes: { box: { m: { reply: 'words ', repeatTokens: 200_000 }, small: { reply } } },
      maxPages: 120,
    })
    const run = await core.runs.start(toQuestion('Go.', { model: 'box/m', options: { maxTokens: 300_000 } }))
    const end = await run.ended
    assert.equal(end.error?.code, 'disk-full')
    assert.equal(end.state, 'incomplete')
    assert.ok((await eventsOf(run)).length > 2, 'what arrived was shown')
  })
})

/** An engine that asks the first request to wait, and answers the second. */
function limited(retryAfterMs: number): BackendType {
  return {
    name: 'limited',
    execution: 'built-in',
    owner: 'external',
    create() {
      const mock = createMockBackend({ models: { m: { reply } } })
      const chat = mock.chat.bind(mock)
      let asked = 0
      return Object.assign(mock, {
        chat(...asking: Parameters<typeof chat>) {
          asked += 1
          if (asked > 1) return chat(...asking)
          throw new LmappError('rate-limited', 'Too many requests.', { details: { retryAfterMs } })
        },
      })
    },
  }
}
