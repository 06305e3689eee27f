import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { assertOwn, createCheck, told } from './check.ts'
import { type Ask, type Extra, weatherAnswer } from './client.ts'
import type { Room } from './describe-clients.ts'
import { reply, thought } from './world.ts'

export function describeFeatures(room: Room): void {
  const has = (extra: Extra) => room.subject.has.includes(extra)
  describe('chat', () => describeChat(room))
  describe('stream', () => describeStream(room))
  if (has('tools')) describe('tools', () => describeTools(room))
  if (has('schema')) describe('schema', () => describeSchema(room))
  if (has('see')) describe('images', () => describeImages(room))
  if (has('think')) describe('reasoning', () => describeReasoning(room))
  if (has('embed')) describe('embeddings', () => describeEmbeddings(room))
  if (has('count')) describe('count tokens', () => describeCount(room))
  describe('cancel', () => describeCancel(room))
}

export function ask(model: string): Ask {
  return { model, prompt: 'Count to ten.' }
}

function describeChat({ subject, recorder, client }: Room): void {
  const check = createCheck('chat', subject, recorder)
  const { stops } = subject
  check('gets the whole answer, why it ended, and what it cost', async () => {
    const said = await client().chat(ask('box/count'))
    assert.equal(said.text, reply)
    if (stops) assert.equal(said.stop, stops.end)
    if (subject.kind === 'sdk')
      assert.ok(Number(said.inputTokens) > 0 && said.outputTokens === 10, JSON.stringify(said))
  })
  check('brings the prompt there as it is', async () => {
    const prompt = 'Zwölf "Boxkämpfer"\n\tjagen 🦊 \\ über den Deich.'
    assert.equal((await client().chat({ model: 'box/echo', prompt })).text, prompt)
  })
  check('waits for a model that loads', async () => {
    assert.equal((await client().chat(ask('box/slow-load'))).text, reply)
  })
  if (subject.kind !== 'sdk') return
  check('is told that the length limit cut it', async () => {
    const said = await client().chat({ ...ask('box/count'), maxTokens: 4 })
    assert.equal(said.text.trim(), 'One two three four')
    if (stops) assert.equal(said.stop, stops.length)
  })
  if (!subject.has.includes('models')) return
  check('lists the models', async () => {
    const ids = (await client().models?.()) ?? []
    for (const id of ['box/count', 'box/embedder']) assert.ok(ids.includes(id), ids.join(' '))
  })
}

function describeStream({ subject, recorder, client }: Room): void {
  const check = createCheck('stream', subject, recorder)
  const { stops } = subject
  check('gets the same answer piece by piece', async () => {
    const pieces: string[] = []
    const said = await client().stream(ask('box/count'), { onText: (text) => pieces.push(text) })
    assert.equal(pieces.join(''), reply)
    assert.equal(said.text, reply)
    assert.ok(pieces.filter(Boolean).length > 3, `${pieces.length} pieces`)
    if (stops) assert.equal(said.stop, stops.end)
    if (subject.kind === 'sdk') assert.equal(said.outputTokens, 10)
  })
  check('waits for a model that loads', async () => {
    assert.equal((await client().stream(ask('box/slow-load'), {})).text, reply)
  })
  if (subject.kind !== 'sdk') return
  check('is told that the length limit cut it', async () => {
    const said = await client().stream({ ...ask('box/count'), maxTokens: 4 }, {})
    assert.equal(said.text.trim(), 'One two three four')
    if (stops) assert.equal(said.stop, stops.length)
  })
}

function describeTools({ subject, recorder, client }: Room): void {
  const check = createCheck('tools', subject, recorder)
  for (const stream of [false, true]) {
    check(stream ? 'a round with streams' : 'a round with whole answers', async () => {
      const round = await client().tools?.(ask('box/weather'), { stream })
      const wanted = { name: 'get_weather', arguments: { city: 'Paris' }, answer: weatherAnswer }
      assert.deepEqual(round, { ...wanted, stop: subject.stops?.tools })
    })
  }
}

function describeSchema({ subject, recorder, client }: Room): void {
  const check = createCheck('schema', subject, recorder)
  check('an object as the schema says', async () => {
    const { mood, score, ...more } = (await client().schema?.(ask('box/count'))) as Record<string, unknown>
    assert.ok(mood === 'happy' && Number.isInteger(score), `${mood}, ${score}`)
    assert.deepEqual(more, {})
  })
}

function describeImages({ subject, recorder, client }: Room): void {
  const check = createCheck('images', subject, recorder)
  check('an image reaches a model that sees', async () => {
    const said = await client().see?.(ask('box/seeing'))
    assert.equal(said?.text, `I see image/png of 70 bytes.\n${reply}`)
  })
  check('for a model that sees none it is refused, with the name of the field', async () => {
    const wanted = { status: 400, says: /^(?=.*box\/count).*(\b(messages|input)\b|"images")/s }
    assertOwn(await told(client(), client().see?.(ask('box/count'))), wanted)
  })
}

function describeReasoning({ subject, recorder, client }: Room): void {
  const check = createCheck('reasoning', subject, recorder)
  for (const stream of [false, true]) {
    check(
      stream ? 'what was thought, streamed, and taken back' : 'what was thought, whole, and taken back',
      async () => {
        const { reasoning = [], ...said } = (await client().think?.(ask('box/thinker'), { stream })) ?? {}
        assert.ok(reasoning.length > 0)
        for (const each of reasoning) assert.equal(each, thought)
        assert.deepEqual(said, { text: reply, answer: reply })
      },
    )
  }
}

function describeEmbeddings({ subject, recorder, client }: Room): void {
  const check = createCheck('embeddings', subject, recorder)
  check('a vector for each text, the same for the same', async () => {
    const [cat, dog, again, ...more] = (await client().embed?.('box/embedder', ['a cat', 'a dog', 'a cat'])) ?? []
    assert.deepEqual([cat?.length, dog?.length, more], [8, 8, []])
    assert.deepEqual(cat, again)
    assert.notDeepEqual(cat, dog)
  })
}

function describeCount({ subject, recorder, client }: Room): void {
  const check = createCheck('count tokens', subject, recorder)
  check('as many as the answer says', async () => {
    const counted = await client().count?.(ask('box/count'))
    assert.equal(counted, (await client().chat(ask('box/count'))).inputTokens)
  })
}

function describeCancel({ subject, recorder, client, world }: Room): void {
  const check = createCheck('cancel', subject, recorder)
  check('leaving a stream ends the run', async () => {
    const leaving = new AbortController()
    const started = Promise.withResolvers<void>()
    const onText = (text: string) => text && started.resolve()
    const ended = settle(client().stream(ask('box/endless'), { onText, signal: leaving.signal }))
    await Promise.race([started.promise, ended.then((error) => Promise.reject(error ?? new Error('It ended.')))])
    await world().untilRunning(1)
    leaving.abort()
    await world().untilRunning(0)
    await ended
  })
  if (!subject.has.includes('leaveChat')) return
  check('leaving before the first word ends the run', async () => {
    const leaving = new AbortController()
    const ended = settle(client().leaveChat?.(ask('box/silent'), leaving.signal))
    await world().untilRunning(1)
    leaving.abort()
    await world().untilRunning(0)
    await ended
  })
}

/** The error, if there is one: whoever leaves may be told so or not. */
async function settle(asked: Promise<unknown> | undefined): Promise<unknown> {
  try {
    await asked
  } catch (error) {
    return error
  }
}
