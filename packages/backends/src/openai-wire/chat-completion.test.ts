import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type ErrorCode, isLmappError } from 'lmapp-kit'
import { type Transcript, tryChat } from 'lmapp-kit/testkit'
import type { Answer } from '../testing/replay-server.ts'
import { type ReadOptions, readChatAnswer, readChatCompletion } from './index.ts'
import { delta, done, events, eventsOf, json, recorded } from './testing/recordings.ts'

const options: ReadOptions = { engine: 'The engine', model: 'm' }

/** In pieces that end within lines, characters and escapes. */
async function* pieces(text: string, size = 7): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

const read = ({ body }: Answer, more: Partial<ReadOptions> = {}) =>
  tryChat(readChatCompletion(pieces(body), { ...options, ...more }))

async function assertReads(answer: Answer): Promise<Transcript> {
  const { transcript, error } = await read(answer)
  assert.equal(error, undefined)
  assert.equal(transcript.finishes.length, 1)
  assert.equal(transcript.parts.at(-1)?.type, 'finish')
  return transcript
}

async function assertFails(answer: Answer, code: ErrorCode) {
  const { transcript, error } = await read(answer)
  assert.ok(isLmappError(error, code), `${code} was due, not ${error}`)
  assert.equal(transcript.finishes.length, 0)
  return { transcript, error }
}

const stop = delta({}, 'stop')
const textOf = (answer: Answer) =>
  eventsOf(answer)
    .flatMap(({ choices }) => choices as { delta: { content?: string } }[])
    .map((choice) => choice.delta.content ?? '')
    .join('')

describe('recorded streams', () => {
  for (const engine of ['llama-server', 'ollama']) {
    it(`of ${engine} give text, reason and count`, async () => {
      const answer = recorded(`${engine}/chat`)
      const transcript = await assertReads(answer)
      assert.equal(transcript.text, textOf(answer))
      assert.ok(transcript.deltas.length > 5)
      const { usage } = eventsOf(answer).at(-1) as { usage: { prompt_tokens: number; completion_tokens: number } }
      const [finish] = transcript.finishes
      assert.equal(finish?.reason, 'stop')
      assert.equal(finish.usage.inputTokens, usage.prompt_tokens)
      assert.equal(finish.usage.outputTokens, usage.completion_tokens)
      assert.deepEqual(
        transcript.statuses.map(({ phase }) => phase),
        ['generating'],
      )
    })

    it(`of ${engine} say when the answer was cut`, async () => {
      const { finishes } = await assertReads(recorded(`${engine}/chat-length`))
      assert.equal(finishes[0]?.reason, 'length')
      assert.equal(finishes[0].usage.outputTokens, 6)
    })

    it(`of ${engine} are whole without a count, and carry log probabilities`, async () => {
      const { finishes } = await assertReads(recorded(`${engine}/chat-no-usage`))
      assert.deepEqual(finishes[0]?.usage, {})
      const { parts } = await assertReads(recorded(`${engine}/chat-logprobs`))
      const first = parts.find((part) => part.type === 'text-delta')
      assert.equal(first?.logprobs?.[0]?.token, first?.text)
      assert.ok((first?.logprobs?.[0]?.logprob ?? 1) <= 0)
    })
  }

  it('say what came out of the cache', async () => {
    const { finishes } = await assertReads(recorded('llama-server/chat-cached'))
    assert.ok((finishes[0]?.usage.cachedTokens ?? 0) > 0)
  })

  it('show an adapter what else they hold', async () => {
    const seen: unknown[] = []
    const { transcript } = await read(recorded('llama-server/chat-progress'), {
      observe(event) {
        if (event.timings) return { timings: { promptMs: 5 } }
        if (!event.prompt_progress) return undefined
        seen.push(event.prompt_progress)
        return { parts: [{ type: 'status', phase: 'prompt', progress: { done: seen.length, unit: 'tokens' } }] }
      },
    })
    assert.ok(seen.length >= 2)
    assert.equal(transcript.statuses[0]?.phase, 'prompt')
    assert.equal(transcript.statuses.at(-1)?.phase, 'generating')
    assert.deepEqual(transcript.finishes[0]?.timings, { promptMs: 5 })
  })
})

describe('the end of a stream', () => {
  it('needs a reason and the marker', async () => {
    const text = delta({ content: 'Hi' })
    await assertReads(events(text, stop, done))
    for (const incomplete of [
      [text],
      [text, stop],
      [text, stop, { choices: [], usage: { prompt_tokens: 1 } }],
      [text, done],
      [text, delta({}, ''), done],
      [text, delta({}, 'error'), done],
      [done],
    ]) {
      const { transcript } = await assertFails(events(...incomplete), 'stream-incomplete')
      assert.equal(transcript.text, incomplete[0] === text ? 'Hi' : '')
    }
    await assertFails({ body: '' }, 'stream-incomplete')
    await assertFails({ body: `${events(text, stop).body}data: ${done}\n` }, 'stream-incomplete')
  })

  it('is known under many names', async () => {
    for (const [given, reason] of [
      ['stop', 'stop'],
      ['eos', 'stop'],
      ['end_turn', 'stop'],
      ['max_tokens', 'length'],
      ['content_filter', 'content-filter'],
      ['abort', 'other'],
      ['tool_calls', 'other'],
    ]) {
      const { finishes } = await assertReads(events(delta({ content: 'Hi' }), delta({}, given), done))
      assert.equal(finishes[0]?.reason, reason)
    }
  })

  it('comes after what is good, also where one event was no message', async () => {
    for (const bad of ['<html>', '"text"', '[1]', '{']) {
      const { transcript, error } = await assertFails(
        events(delta({ content: 'Hel' }), bad, delta({ content: 'lo' }), stop, done),
        'stream-malformed',
      )
      assert.equal(transcript.text, 'Hello')
      assert.deepEqual(error.details, { line: bad })
      await assertFails(events(delta({ content: 'Hel' }), bad), 'stream-incomplete')
    }
  })
})

describe('what an event may hold', () => {
  it('is a comment, a ping, or of another choice, and then no part of the answer', async () => {
    const other = { choices: [{ index: 1, delta: { content: 'No' }, finish_reason: 'length' }] }
    const body = `: ping\n\nevent: ping\ndata: {}\n\n${events({ choices: null }, other, delta({ content: 'Hi' }), stop, done).body}`
    const { text, finishes } = await assertReads({ body })
    assert.equal(text, 'Hi')
    assert.equal(finishes[0]?.reason, 'stop')
  })

  it('is reasoning under either name, and once under both', async () => {
    const { reasoning, text } = await assertReads(
      events(
        delta({ reasoning: 'a' }),
        delta({ reasoning_content: 'b', content: null }),
        delta({ reasoning: 'c', reasoning_content: 'c' }),
        delta({ content: 'd', reasoning: null }),
        stop,
        done,
      ),
    )
    assert.deepEqual([reasoning, text], ['abc', 'd'])
  })

  it('is text in parts', async () => {
    const content = [{ type: 'text', text: 'a' }, { type: 'text', text: 'b' }, 'c']
    assert.equal((await assertReads(events(delta({ content }), stop, done))).text, 'ab')
  })

  it('is half a character, which waits for its other half', async () => {
    const [high, low] = ['\ud83d', '\ude00']
    const stream = events(
      delta({ content: high }),
      delta({ content: `${low}!` }),
      delta({ reasoning: high }),
      delta({ reasoning: low }),
      stop,
      done,
    )
    const { deltas, reasoning } = await assertReads(stream)
    assert.deepEqual(deltas, ['😀!'])
    assert.equal(reasoning, '😀')
  })

  it('is tokens with their probabilities, which go with the text that they became', async () => {
    const of = (value: object, ...tokens: string[]) => {
      const content = tokens.map((token) => ({ token, logprob: -1 }))
      return { choices: [{ index: 0, delta: value, finish_reason: null, logprobs: { content } }] }
    }
    const stream = events(
      of({ reasoning_content: 'Hm.' }, 'Hm.'),
      of({ role: 'assistant', content: null }, 'Hel'),
      of({ content: 'Hello \ud83d' }, 'lo', ' x'),
      of({ content: '\ude00' }, 'y'),
      delta({ content: '!' }),
      of({ tool_calls: [{ index: 0, id: '1', function: { name: 'f', arguments: '{}' } }] }, '{}'),
      stop,
      done,
    )
    const { parts } = await assertReads(stream)
    const deltas = parts.flatMap((part) => (part.type === 'text-delta' ? [part] : []))
    assert.deepEqual(
      deltas.map(({ text, logprobs }) => [text, logprobs?.map(({ token }) => token)]),
      [
        ['Hello ', ['Hel', 'lo', ' x']],
        ['😀', ['y']],
        ['!', undefined],
      ],
    )
  })

  it('is a refusal: text, that does not count as an answer', async () => {
    const { text, finishes } = await assertReads(events(delta({ refusal: 'I will not.' }), stop, done))
    assert.equal(text, 'I will not.')
    assert.equal(finishes[0]?.reason, 'content-filter')
  })

  it('is a count, in any event; the last one holds', async () => {
    const usage = {
      prompt_tokens: 9,
      completion_tokens: 3,
      prompt_tokens_details: { cached_tokens: 8 },
      completion_tokens_details: { reasoning_tokens: 2 },
    }
    const { finishes } = await assertReads(
      events({ ...delta({ content: 'Hi' }), usage: { prompt_tokens: 1 } }, { ...stop, usage }, { usage: null }, done),
    )
    assert.deepEqual(finishes[0]?.usage, { inputTokens: 9, outputTokens: 3, cachedTokens: 8, reasoningTokens: 2 })
    const beside = { prompt_tokens: 1, completion_tokens: 3, reasoning_tokens: 2, prompt_tokens_details: null }
    const sglang = await assertReads(events({ ...stop, usage: beside }, done))
    assert.equal(sglang.finishes[0]?.usage.reasoningTokens, 2)
  })
})

describe('tool calls', () => {
  const fragment = (fields: Record<string, unknown>) => delta({ tool_calls: [fields] })
  const called = (name: string | undefined, given: unknown) => ({ function: { name, arguments: given } })

  it('are put together by index, as OpenAI and vLLM send them', async () => {
    const { toolCalls, finishes } = await assertReads(
      events(
        fragment({ index: 0, id: 'a', type: 'function', ...called('look', '') }),
        fragment({ index: 0, ...called(undefined, '{"at":') }),
        fragment({ index: 1, id: 'b', ...called('listen', '{}') }),
        fragment({ index: 0, ...called(undefined, '"it"}') }),
        delta({}, 'tool_calls'),
        done,
      ),
    )
    assert.deepEqual(toolCalls, [
      { type: 'tool-call', id: 'a', name: 'look', arguments: '{"at":"it"}' },
      { type: 'tool-call', id: 'b', name: 'listen', arguments: '{}' },
    ])
    assert.equal(finishes[0]?.reason, 'tool-calls')
  })

  it('come whole too: all with index 0, with an object, with id and name again and again', async () => {
    const { toolCalls, finishes } = await assertReads(
      events(
        fragment({ index: 0, id: 'a', ...called('look', { at: 'it' }) }),
        fragment({ index: 0, id: 'b', ...called('look', '{"b":') }),
        fragment({ index: 0, id: 'b', ...called('look', '1}') }),
        stop,
        done,
      ),
    )
    assert.deepEqual(
      toolCalls.map((call) => [call.id, call.arguments]),
      [
        ['a', '{"at":"it"}'],
        ['b', '{"b":1}'],
      ],
    )
    assert.equal(finishes[0]?.reason, 'tool-calls')
  })

  it('come without index and id', async () => {
    const { toolCalls } = await assertReads(
      events(
        delta({ tool_calls: [called('look', '{"a"'), called(undefined, ':1}'), called('listen', null), 'nonsense'] }),
        stop,
        done,
      ),
    )
    assert.deepEqual(
      toolCalls.map((call) => [call.name, call.arguments]),
      [
        ['look', '{"a":1}'],
        ['listen', '{}'],
      ],
    )
    assert.match(toolCalls[0]?.id ?? '', /^call_/)
    assert.notEqual(toolCalls[0]?.id, toolCalls[1]?.id)
  })

  it('are not given when the stream breaks', async () => {
    const { transcript } = await assertFails(
      events(fragment({ index: 0, id: 'a', ...called('rm', '{}') })),
      'stream-incomplete',
    )
    assert.deepEqual(transcript.toolCalls, [])
  })

  it('may not grow for ever, nor nest for ever', async () => {
    const piece = 'x'.repeat(1024 * 1024)
    async function* endless() {
      for (;;) yield Buffer.from(events(fragment({ index: 0, ...called('look', piece) })).body)
    }
    const { error } = await tryChat(readChatCompletion(endless(), options))
    assert.ok(isLmappError(error, 'stream-malformed'))
    const deep = `{"choices":[{"delta":{"tool_calls":[{"function":{"arguments":${'['.repeat(200_000)}${']'.repeat(200_000)}}}]}}]}`
    await assertFails(events(deep, done), 'stream-malformed')
  })
})

describe('an error in mid-stream', () => {
  const openai = { error: { message: 'boom', type: 'InternalServerError', code: 500 } }

  it('fails before the first token, and breaks off after it, also before a marker as vLLM sends it', async () => {
    await assertFails(events(openai, done), 'engine-failed')
    const { transcript, error } = await assertFails(events(delta({ content: 'Hi' }), openai, done), 'stream-incomplete')
    assert.equal(transcript.text, 'Hi')
    assert.deepEqual(error.details, { said: 'boom', model: 'm' })
    const dead = { error: { message: 'EngineCore died', type: 'EngineDeadError' } }
    await assertFails(events(delta({ content: 'Hi' }), dead), 'engine-died')
  })

  it('comes in many shapes', async () => {
    await assertFails(events({ object: 'error', message: 'too long', code: 400 }), 'bad-input')
    await assertFails(events({ error: 'boom' }), 'engine-failed')
    await assertFails({ body: 'event: error\ndata: {"message":"boom"}\n\n' }, 'engine-failed')
    await assertFails({ body: 'event: error\ndata: just words\n\n' }, 'engine-failed')
    const busy = { error: { code: 503, message: 'Loading model', type: 'unavailable_error' } }
    await assertFails(events(busy), 'busy')
    await assertFails(events({ error: {} }), 'engine-failed')
  })
})

describe('an answer that is no stream', () => {
  const readAnswer = ({ headers = {}, body }: Answer) =>
    tryChat(
      readChatAnswer(
        { headers: headers as Record<string, string>, bytes: () => pieces(body) as never, text: async () => body },
        options,
      ),
    )

  for (const engine of ['llama-server', 'ollama']) {
    it(`is read whole (${engine})`, async () => {
      const { transcript } = await readAnswer(recorded(`${engine}/chat-whole`))
      assert.notEqual(transcript.text, '')
      assert.equal(transcript.finishes[0]?.reason, 'length')
      assert.equal(transcript.finishes[0].usage.outputTokens, 8)
    })
  }

  it('fails as it says, and is refused when it is a page or anything else', async () => {
    const failed = await readAnswer(json({ error: { message: 'boom', code: 500 } }))
    assert.ok(isLmappError(failed.error, 'engine-failed'))
    const page: Answer = { headers: { 'content-type': 'text/html' }, body: '<html>Sign in</html>' }
    for (const other of [page, json({ ok: true }), json([]), { ...json(0), body: '{' }]) {
      const { error } = await readAnswer(other)
      assert.ok(isLmappError(error, 'backend-refused'))
      assert.match(error.hint, /\/v1/)
    }
    const half = await readAnswer(json({ choices: [{ message: { content: 'Hi' }, finish_reason: null }] }))
    assert.ok(isLmappError(half.error, 'stream-incomplete'))
    assert.equal(half.transcript.text, 'Hi')
  })

  it('is read as a stream where nobody says what it is', async () => {
    const { transcript } = await readAnswer({ body: recorded('llama-server/chat').body })
    assert.equal(transcript.finishes.length, 1)
  })
})

describe('hostile bytes', () => {
  it('end in a typed error, never in a crash: random, cut anywhere, no UTF-8', async () => {
    let seed = 7
    const random = () => {
      seed = (seed * 1103515245 + 12345) % 2147483648
      return seed & 0xff
    }
    for (let round = 0; round < 200; round += 1) {
      const noise = Uint8Array.from({ length: 300 }, random)
      const whole = Buffer.from(events(delta({ content: 'é' }), stop, done).body)
      const mixed = round % 2 === 0 ? noise : Buffer.concat([whole.subarray(0, round % whole.length), noise])
      async function* bytes() {
        yield mixed
      }
      const { error } = await tryChat(readChatCompletion(bytes(), options))
      assert.ok(isLmappError(error, 'stream-incomplete') || isLmappError(error, 'stream-malformed'), String(error))
    }
  })

  it('in place of any member give no part and no crash', async () => {
    const strange: unknown[] = [null, 0, 'x', [], {}, [[]], { choices: 5 }, { choices: [null] }, { choices: ['x'] }]
    for (const value of [5, [], {}, true, 'x', null]) {
      strange.push(delta({ content: value, reasoning: value, tool_calls: value, refusal: value }))
      strange.push({ choices: [{ delta: value, message: value, logprobs: value, finish_reason: value }], usage: value })
    }
    for (const event of strange) {
      const { error } = await read(events(event, done))
      assert.ok(error === undefined || isLmappError(error), String(error))
    }
  })
})
