import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Content, isLmappError, type RunEnd } from 'lmapp-kit'
import { openCore, toQuestion } from '../testing/open-core.ts'
import type { Run } from './run.ts'

const schema = { type: 'object', properties: { n: { const: 2 } }, required: ['n'], additionalProperties: false }

async function read(run: Run) {
  const events = (await Array.fromAsync(run.events({ from: 0 }))).map(({ event }) => event)
  return {
    events,
    types: events.map(({ type }) => type),
    text: events.map((event) => (event.type === 'text-delta' ? event.text : '')).join(''),
    warnings: events.flatMap((event) => (event.type === 'warning' ? [event] : [])),
    end: events.at(-1) as RunEnd,
  }
}

async function ask(models: Record<string, object>, more: object = {}) {
  await using core = await openCore({
    boxes: { box: models },
    config: { aliases: { both: ['box/a', 'box/b'] }, failover: { retries: 0 } },
  })
  const run = await core.runs.start(toQuestion('How many?', { model: 'box/a', schema, ...more }))
  const answer = await read(run)
  const stored = await core.store.getConversation(run.conversation ?? '', 'owner')
  return { ...answer, stored: stored.messages.at(-1) }
}

describe('an answer under a schema', () => {
  it('is bound by the engine where it can be, and leaves the service in one piece', async () => {
    const { text, end, types, stored } = await ask({ a: { schema: true, reply: 'no JSON' } })
    assert.deepEqual(JSON.parse(text), { n: 2 })
    assert.equal(end.state, 'complete')
    assert.equal(types.filter((type) => type === 'text-delta').length, 1)
    assert.equal(stored?.text, text)
  })

  it('is asked for in words where the engine knows no grammar, said so, and freed of what stands around it', async () => {
    const { text, end, warnings } = await ask({ a: { schema: false, reply: 'Sure:\n```json\n{"n": 2}\n```\nBye.' } })
    assert.equal(text, '{"n": 2}')
    assert.equal(end.state, 'complete')
    assert.deepEqual(
      warnings.map(({ code, setting }) => [code, setting]),
      [['unsupported-setting', 'schema']],
    )
    const told = await ask({ a: { schema: false, reply: '{"n": 2, "system": "{system}"}' } }, { schema: {} })
    assert.match(told.text, /satisfies this JSON Schema/)
  })

  it('is asked for once more when the first is wrong, and only the second leaves the service', async () => {
    const { text, end, warnings } = await ask({ a: { schema: false, reply: '{"n": {turns}}' } })
    assert.equal(text, '{"n": 2}')
    assert.equal(end.state, 'complete')
    assert.match(warnings.at(-1)?.message ?? '', /once more/)
    const { usage } = await ask({ a: { schema: false, reply: '{"n": 2}' } }).then((once) => once.end)
    assert.ok((end.usage.outputTokens ?? 0) >= 2 * (usage.outputTokens ?? 0))
  })

  it('ends incomplete, kept and explained, when the second is wrong too', async () => {
    const { text, end, stored } = await ask({ a: { schema: false, reply: 'I would rather not.' } })
    assert.equal(text, 'I would rather not.')
    assert.equal(end.state, 'incomplete')
    assert.equal(end.error?.code, 'schema-mismatch')
    assert.equal(stored?.text, text)
  })

  it('begins anew on another candidate when the engine dies in the middle: nothing had left', async () => {
    const { text, end, types } = await ask(
      {
        a: { schema: false, reply: '{"n": 3, "and": "much more"}', fault: { kind: 'drop', afterTokens: 3 } },
        b: { schema: true },
      },
      { model: 'both' },
    )
    assert.deepEqual(JSON.parse(text), { n: 2 })
    assert.equal(end.state, 'complete')
    assert.ok(types.indexOf('handover') < types.indexOf('text-delta'))
  })

  it('keeps what arrived when no candidate is left, when it is cut by the limit, and when it is stopped', async () => {
    const dropped = await ask({
      a: { schema: false, reply: '{"n": 2, "b": 1}', fault: { kind: 'drop', afterTokens: 2 } },
    })
    assert.equal(dropped.end.state, 'incomplete')
    assert.ok(dropped.text.length > 0 && '{"n": 2, "b": 1}'.startsWith(dropped.text))
    const cut = await ask({ a: { schema: false, reply: '{"n": 2, "b": 1}' } }, { options: { maxTokens: 2 } })
    assert.equal(cut.end.state, 'length')
    assert.ok(cut.text.length > 0)

    await using core = await openCore({
      boxes: { box: { a: { schema: false, reply: '{"n": 2, "b": 1}', repeatTokens: 10_000, paceMs: 1 } } },
    })
    const run = await core.runs.start(toQuestion('How many?', { model: 'box/a', schema }))
    for await (const { event } of run.events({ from: 0 })) {
      if (event.type === 'status' && event.progress) break
    }
    const end = await run.cancel()
    assert.equal(end.state, 'stopped')
    assert.ok((await read(run)).text.startsWith('{"n"'))
  })

  it('is refused before anything is stored when the schema is none', async () => {
    await using core = await openCore({ boxes: { box: { a: {} } } })
    const broken = [{ type: 'nonsense' }, { $ref: 'elsewhere' }, { pattern: '(' }, { not: 'x'.repeat(300_000) }]
    for (const wrong of broken) {
      const start = core.runs.start(toQuestion('?', { model: 'box/a', schema: wrong }))
      await assert.rejects(start, (error) => isLmappError(error, 'bad-input'))
    }
    assert.deepEqual(await core.store.listConversations({ owner: 'owner' }), [])
  })

  it('cannot be continued', async () => {
    await using core = await openCore({ boxes: { box: { a: { schema: false, reply: '{"n": 2, "b": 1}' } } } })
    const run = await core.runs.start(toQuestion('?', { model: 'box/a', schema, options: { maxTokens: 2 } }))
    await run.ended
    const again = core.runs.start(toQuestion('', { kind: 'continue', conversation: run.conversation ?? '' }))
    await assert.rejects(again, (error) => isLmappError(error, 'bad-input'))
  })
})

describe('images', () => {
  const image: Content = { type: 'image', mediaType: 'image/png', data: 'iVBORw0KGgo=' }

  it('are refused where the model cannot see, and seen by the next candidate that can', async () => {
    await using core = await openCore({
      boxes: { box: { blind: { seesImages: false }, sees: { seesImages: true, reply: 'A cat.' } } },
      config: { aliases: { both: ['box/blind', 'box/sees'] } },
    })
    const content: Content[] = [image, { type: 'text', text: 'What is it?' }]
    const refused = await read(await core.runs.start(toQuestion('', { model: 'box/blind', content })))
    assert.equal(refused.end.state, 'failed')
    assert.equal(refused.end.error?.code, 'unsupported')
    assert.equal(refused.end.error?.details?.capability, 'vision')
    const seen = await read(await core.runs.start(toQuestion('', { model: 'both', content })))
    assert.match(seen.text, /^I see image\/png of 8 bytes\.\nA cat\.$/)
    assert.equal(seen.end.state, 'complete')
  })
})
