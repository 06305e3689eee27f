import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { type Backend, type ChatRequest, type ErrorCode, isLmappError } from 'lmapp-kit'
import { readChat, tryChat } from 'lmapp-kit/testkit'
import { createMemoryProofs } from '../external/index.ts'
import { delta, done, events, eventsOf, json, recorded } from '../openai-wire/testing/recordings.ts'
import { type Answer, openReplay, type Routes, startOf } from '../testing/replay-server.ts'
import { createOpenAiCompatibleBackend, openaiCompatibleBackendType } from './index.ts'
import { listOf, open, patient, serve, user, vllmList } from './testing/open-compatible.ts'

const model = 'org/model'
const hello: ChatRequest = { model, messages: [user('Say hello.')] }
const route = 'POST /v1/chat/completions'
const whole = events(delta({ content: 'Hel' }), delta({ content: 'lo' }), delta({}, 'stop'), done)

async function chatOver(chat: Routes[string], request: ChatRequest = hello, list: Answer = vllmList()) {
  await using served = await serve({ 'GET /v1/models': list, [route]: chat })
  const outcome = await tryChat(served.backend.chat(request))
  const sent = served.replay.requests.filter((seen) => seen.route === route).map(({ body }) => body)
  return { ...outcome, sent, listed: await served.backend.listModels().catch(() => []) }
}

async function assertFails(chat: Routes[string], code: ErrorCode, request: ChatRequest = hello, list?: Answer) {
  const { transcript, error, sent } = await chatOver(chat, request, list)
  assert.ok(isLmappError(error, code), `${code} was due, not ${error}`)
  assert.equal(transcript.finishes.length, 0)
  return { transcript, error, sent }
}

describe('a chat', () => {
  for (const [engine, list] of [
    ['llama-server', recorded('llama-server/models')],
    ['ollama', recorded('ollama/models')],
  ] as const) {
    it(`over the recorded bytes of ${engine} is text, phases, count`, async () => {
      const name = String(JSON.parse(list.body).data[0].id)
      const { transcript } = await chatOver(recorded(`${engine}/chat`), { ...hello, model: name }, list)
      assert.ok(transcript.deltas.length > 5)
      assert.equal(transcript.finishes[0]?.reason, 'stop')
      assert.deepEqual(transcript.warnings, [])
      assert.deepEqual(
        transcript.statuses.map(({ phase }) => phase).filter((phase) => phase !== 'prompt'),
        ['connecting', 'generating'],
      )
    })
  }

  it('sends what vLLM knows, under its names, and says the context that was there', async () => {
    const options = { topK: 40, repeatPenalty: 1.1, contextLength: 2048 }
    const { transcript, sent } = await chatOver(whole, { ...hello, reasoning: false, options })
    assert.deepEqual(sent, [
      {
        model,
        messages: [{ role: 'user', content: 'Say hello.' }],
        stream: true,
        stream_options: { include_usage: true },
        chat_template_kwargs: { enable_thinking: false },
        top_k: 40,
        repetition_penalty: 1.1,
      },
    ])
    assert.deepEqual(transcript.warnings, [])
    assert.deepEqual(transcript.finishes[0]?.usage, { contextLength: 4096 })
  })

  it('warns of what a server of unknown kind may not know', async () => {
    const options = { topK: 40, contextLength: 2048 }
    const { transcript } = await chatOver(whole, { ...hello, options }, listOf({ id: model }))
    assert.deepEqual(
      transcript.warnings.map(({ setting }) => setting),
      ['options.topK', 'options.contextLength'],
    )
  })

  it('carries log probabilities, and warns where a server took no notice of the wish', async () => {
    const request = { ...hello, options: { logprobs: 1 } }
    const settings = async (chat: Routes[string]) => {
      const { transcript, sent } = await chatOver(chat, request)
      assert.deepEqual([sent[0]?.logprobs, sent[0]?.top_logprobs], [true, 1])
      return transcript.warnings.map(({ setting }) => setting)
    }
    assert.deepEqual(await settings(whole), ['options.logprobs'])
    assert.deepEqual(await settings(recorded('llama-server/chat-logprobs')), [])
    assert.deepEqual(await settings(events(delta({}, 'stop'), done)), [], 'There was no text that lacks them.')
    assert.deepEqual((await chatOver(whole)).transcript.warnings, [])
  })

  it('says that the prompt is being read while no header comes', async () => {
    const { promise: told, resolve: tell } = Promise.withResolvers<void>()
    await using served = await serve({
      'GET /v1/models': vllmList(),
      [route]: async (response) => {
        await told
        response.end(whole.body)
      },
    })
    const { statuses } = await readChat(served.backend.chat(hello), (_, part) => {
      if (part.type === 'status' && part.phase === 'prompt') tell()
    })
    assert.deepEqual(
      statuses.map(({ phase }) => phase),
      ['connecting', 'prompt', 'generating'],
    )
  })

  it('is refused when it is none', async () => {
    await assertFails(whole, 'bad-input', { ...hello, messages: [] })
    await assertFails(whole, 'bad-input', { ...hello, continue: true })
  })
})

describe('a model that is not there', () => {
  it('is not asked for where the list is complete: such a server would answer with the one it has', async () => {
    for (const list of [recorded('llama-server/models'), vllmList(), listOf({ id: 'other', owned_by: 'sglang' })]) {
      const { error, sent } = await assertFails(whole, 'model-not-found', { ...hello, model: 'nope' }, list)
      assert.ok(Array.isArray(error.details?.known) && error.details.known.length === 1)
      assert.deepEqual(sent, [])
    }
  })

  it('may have come since', async () => {
    await using served = await serve({ 'GET /v1/models': [vllmList({ id: 'old' }), vllmList()], [route]: whole })
    assert.equal((await readChat(served.backend.chat(hello))).text, 'Hello')
  })

  it('goes by other names: an alias of llama-server, an adapter of SGLang', async () => {
    const alias = listOf({ id: '/models/x.gguf', aliases: [model], owned_by: 'llamacpp' })
    assert.equal((await chatOver(whole, hello, alias)).transcript.text, 'Hello')
    const adapter = listOf({ id: 'base', owned_by: 'sglang' })
    assert.equal((await chatOver(whole, { ...hello, model: 'base:mine' }, adapter)).transcript.text, 'Hello')
  })

  it('is what the server says where the list may leave some out; the names that are there go along', async () => {
    const missing = json({ error: { message: 'model `org/model` not found', code: 'model_not_found' } }, 404)
    const { error } = await assertFails(missing, 'model-not-found', hello, listOf({ id: 'a' }, { id: 'b' }))
    assert.deepEqual(error.details?.known, ['a', 'b'])
  })
})

describe('an answer for another model', () => {
  const answeredBy = (...names: string[]) =>
    events(...eventsOf(whole).map((event, index) => ({ ...event, model: names[index] ?? names.at(-1) })), done)

  it('is not read when the list has that one: nothing of it is shown', async () => {
    for (const list of [listOf({ id: model }, { id: 'other' }), listOf({ id: 'other' })]) {
      const { transcript, error } = await assertFails(answeredBy('other'), 'wrong-model', hello, list)
      assert.equal(error.message, 'The server was asked for org/model and answered for other.')
      assert.deepEqual(error.details, { model, answering: 'other' })
      assert.deepEqual(
        transcript.statuses.map(({ phase }) => phase).filter((phase) => phase !== 'prompt'),
        ['connecting'],
      )
      assert.equal(transcript.text, '')
    }
  })

  it('is the recorded one of llama-server, which answers to any name', async () => {
    const list = listOf({ id: 'nope' }, { id: 'SmolLM2-135M-Instruct.Q4_1.gguf' })
    const asked = { ...hello, model: 'nope' }
    const { error } = await assertFails(recorded('llama-server/chat-missing'), 'wrong-model', asked, list)
    assert.equal(error.details?.answering, 'SmolLM2-135M-Instruct.Q4_1.gguf')
  })

  it('is not read either when it comes whole', async () => {
    const { headers, body } = recorded('llama-server/chat-whole')
    const list = listOf({ id: model }, { id: 'SmolLM2-135M-Instruct.Q4_1.gguf' })
    const { transcript } = await assertFails({ headers, body }, 'wrong-model', hello, list)
    assert.equal(transcript.text, '')
  })

  it('is broken off where the model changes in the middle', async () => {
    for (const names of [
      [model, 'other'],
      ['unlisted', 'other'],
      [model, 'unlisted'],
      ['unlisted', 'another'],
    ]) {
      const { transcript, error } = await assertFails(
        answeredBy(...names),
        'wrong-model',
        hello,
        listOf({ id: model }, { id: 'other' }),
      )
      assert.equal(transcript.text, 'Hel')
      assert.match(error.message, /went on for/)
    }
  })

  it('is none where the name is another form of the asked one, also of one that is listed', async () => {
    const list = listOf({ id: model }, { id: `${model}-2026-01-01` }, { id: 'model' })
    for (const form of [model, 'ORG/Model', 'model', `${model}-2026-01-01`, 'gate/org/model:0613', `${model}:latest`]) {
      const { transcript, error } = await chatOver(answeredBy(form), hello, list)
      assert.deepEqual([error, transcript.text, transcript.warnings], [undefined, 'Hello', []], form)
    }
  })

  it('is none under another name of the same: an alias, or one of several that vLLM serves it under', async () => {
    const aliases = listOf({ id: model, aliases: ['small'] }, { id: 'other' })
    assert.equal((await chatOver(answeredBy('small'), hello, aliases)).error, undefined)
    const served = (id: string, more = {}) => ({ id, owned_by: 'vllm', root: '/files', parent: null, ...more })
    const names = listOf(served(model), served('first-name'))
    assert.equal((await chatOver(answeredBy('first-name'), hello, names)).error, undefined)
    const adapter = listOf(served(model), served('adapter', { parent: model }))
    await assertFails(answeredBy('adapter'), 'wrong-model', hello, adapter)
  })

  it('is what was asked for where the choice was left to the gateway', async () => {
    const list = listOf({ id: 'gate/auto' }, { id: 'other' })
    assert.equal((await chatOver(answeredBy('other'), { ...hello, model: 'gate/auto' }, list)).error, undefined)
  })

  it('may be the asked one under a name that is listed nowhere: that is said once where the asked one is not listed', async () => {
    const { transcript } = await chatOver(answeredBy('unlisted'), hello, listOf({ id: 'x' }))
    assert.deepEqual(
      transcript.warnings.map(({ code, message }) => [code, message]),
      [['other', 'The server was asked for org/model, and answers with unlisted.']],
    )
    const listed = await chatOver(answeredBy('unlisted'), hello, listOf({ id: model }))
    assert.deepEqual([listed.error, listed.transcript.warnings], [undefined, []])
  })

  it('is not thought of where the server names none', async () => {
    for (const name of ['', undefined, null, 5]) {
      const nameless = events(...eventsOf(whole).map((event) => ({ ...event, model: name })), done)
      assert.equal((await chatOver(nameless)).transcript.text, 'Hello')
    }
  })
})

describe('the context', () => {
  const long = { ...hello, messages: [user('word '.repeat(5000))] }
  const read = (tokens: number) =>
    events(delta({ content: 'Hm' }), delta({}, 'stop'), { choices: [], usage: { prompt_tokens: tokens } }, done)

  it('is known of vLLM: what cannot fit is not sent, what may not is said', async () => {
    const { error, sent } = await assertFails(whole, 'context-overflow', long)
    assert.deepEqual([error.details?.promptTokens, error.details?.contextLength, sent.length], [5000, 4096, 0])
    assert.match(error.hint, /longer context/)
    const near = await chatOver(read(4000), { ...hello, messages: [user('word '.repeat(3000))] })
    assert.deepEqual(
      near.transcript.warnings.map(({ code }) => code),
      ['context-near-limit'],
    )
  })

  it('that was wished for is kept to by the estimate, whatever the server has', async () => {
    const wished = { ...long, options: { contextLength: 512 } }
    const { error } = await assertFails(whole, 'context-overflow', wished, listOf({ id: model }))
    assert.equal(error.details?.contextLength, 512)
  })

  it('is said by the server where nobody else knows it', async () => {
    const { error } = await assertFails(recorded('llama-server/chat-overflow'), 'context-overflow', hello)
    assert.equal(error.details?.contextLength, 2048)
    assert.ok(Number(error.details.promptTokens) > 2048)
  })

  it('that was too short is found out by the count of a known engine, and suspected by that of another', async () => {
    const { transcript, error } = await assertFails(
      read(64),
      'prompt-truncated',
      { ...long, model: 'smollm2:latest' },
      recorded('ollama/models'),
    )
    assert.equal(transcript.text, 'Hm')
    assert.deepEqual(error.details, { readTokens: 64, sentTokens: 5000 })
    const suspected = await chatOver(read(64), long, listOf({ id: model }))
    assert.deepEqual(
      suspected.transcript.warnings.map(({ code }) => code),
      ['context-truncated'],
    )
  })
})

describe('continuing an answer', () => {
  const request: ChatRequest = {
    ...hello,
    continue: true,
    messages: [user('Count.'), { role: 'assistant', content: [{ type: 'text', text: 'One, two' }] }],
  }
  const answer = (...pieces: string[]) =>
    events(...pieces.map((content) => delta({ content })), delta({}, 'length'), done)
  const days = recorded('llama-server/chat-days')
  const pieces = eventsOf(days).flatMap(({ choices }) =>
    (choices as { delta: { content?: string } }[]).flatMap((choice) => choice.delta.content || []),
  )
  const half = pieces.length >> 1
  const [first, second] = [pieces.slice(0, half).join(''), pieces.slice(half)]

  it('is asked of vLLM and SGLang in their words, tried once, then relied on', async () => {
    for (const [owner, members] of [
      ['vllm', { add_generation_prompt: false, continue_final_message: true }],
      ['sglang', { continue_final_message: true }],
    ] as const) {
      await using served = await serve({
        'GET /v1/models': listOf({ id: model, owned_by: owner }),
        [route]: [days, answer(...second), answer(', three')],
      })
      for (const trial of [true, false]) {
        const { text, statuses } = await readChat(served.backend.chat(request))
        assert.equal(text, ', three')
        assert.equal(
          statuses.some(({ message }) => message?.includes('trying')),
          trial,
        )
      }
      assert.equal((await served.backend.listModels())[0]?.capabilities?.continue, 'yes')
      const [trial, ...others] = served.replay.requests.filter((seen) => seen.route === route).map(({ body }) => body)
      assert.equal(trial?.continue_final_message, undefined)
      assert.equal(others.length, 3)
      for (const body of others) assert.partialDeepStrictEqual(body, members)
    }
  })

  it('swallows what a server repeats that then goes on, as llama-server does', async () => {
    const repeating = answer(first + second[0], ...second.slice(1))
    const { transcript, listed } = await chatOver([days, repeating, answer('One,', ' two', ', th', 'ree')], request)
    assert.deepEqual(transcript.deltas, [', th', 'ree'])
    assert.equal(listed[0]?.capabilities?.continue, 'yes')
    for (const another of [answer('One or', ' two'), answer('One,')]) {
      const { transcript: none } = await assertFails([days, repeating, another], 'protocol-violation', request)
      assert.equal(none.text, '')
    }
  })

  it('is unsupported where the trial starts a new answer, as the real Ollama does', async () => {
    const { error, listed, sent } = await chatOver(
      [recorded('ollama/chat-days'), recorded('ollama/chat-continued')],
      { ...request, model: 'smollm2:latest' },
      recorded('ollama/models'),
    )
    assert.ok(isLmappError(error, 'unsupported'))
    assert.equal(listed[0]?.capabilities?.continue, 'no')
    assert.equal(sent.length, 2)
  })

  it('is unsupported where it is refused, where the trial is too short, where the model thinks first', async () => {
    const refused = json({ error: { message: 'The last message must be of the user.' } }, 400)
    await assertFails([days, refused], 'unsupported', request)
    await assertFails([answer('No')], 'unsupported', request)
    await assertFails([events(delta({ reasoning: 'Hm.' }), delta({}, 'stop'), done)], 'unsupported', request)
    await assertFails(whole, 'unsupported', { ...request, schema: { type: 'object' } })
  })

  it('is remembered with the backend that was proved, by version; the file is for its owner', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'lmapp-test-'))
    const backendFor = (url: string) =>
      openaiCompatibleBackendType.create({ config: { url }, environment: {} }, { timeouts: patient, dataDir })
    const routes = (version: string, ...chats: Answer[]): Routes => ({
      'GET /v1/models': vllmList(),
      'GET /version': json({ version }),
      [route]: chats,
    })
    const continues = async (backend: Backend) => (await backend.listModels())[0]?.capabilities?.continue
    try {
      const old = await openReplay(routes('0.12.0', days, answer(...second), answer(', three')))
      {
        await using backend = backendFor(`${old.url}/v1`)
        assert.equal(await continues(backend), 'unknown')
        assert.equal((await readChat(backend.chat(request))).text, ', three')
      }
      {
        await using backend = backendFor(`${old.url}/v1`)
        assert.equal(await continues(backend), 'yes')
        assert.equal((await readChat(backend.chat(request))).text, ', three')
        assert.equal(old.requests.filter((seen) => seen.route === route).length, 4)
      }
      await old.kill()
      await using updated = await openReplay(routes('0.13.0', { status: 503, body: '' }), old.port)
      await using backend = backendFor(`${updated.url}/v1`)
      assert.equal(await continues(backend), 'unknown')
      assert.ok(isLmappError((await tryChat(backend.chat(request))).error, 'busy'))
      assert.equal(await continues(backend), 'unknown')
    } finally {
      await rm(dataDir, { recursive: true })
    }
  })

  it('is proved again by each backend where the server does not say its version', async () => {
    const proofs = createMemoryProofs()
    await using replay = await openReplay({ 'GET /v1/models': listOf({ id: model }), [route]: answer('No') })
    for (const trials of [1, 2]) {
      await using backend = createOpenAiCompatibleBackend({ url: `${replay.url}/v1`, timeouts: patient, proofs })
      assert.equal((await backend.listModels())[0]?.capabilities?.continue, 'unknown')
      assert.ok(isLmappError((await tryChat(backend.chat(request))).error, 'unsupported'))
      assert.equal((await backend.listModels())[0]?.capabilities?.continue, 'no')
      assert.equal(replay.requests.filter((seen) => seen.route === route).length, trials)
    }
  })

  it('is not decided by a failure that says nothing of it', async () => {
    const busy = { status: 503, body: '' }
    await using served = await serve({
      'GET /v1/models': vllmList(),
      [route]: [days, busy, days, answer(...second), answer(', three')],
    })
    const { error } = await tryChat(served.backend.chat(request))
    assert.ok(isLmappError(error, 'busy'))
    assert.equal((await readChat(served.backend.chat(request))).text, ', three')
  })
})

describe('a server that fails', () => {
  it('says why before the first token', async () => {
    await assertFails({ status: 401, body: '{"error":{"message":"no key"}}' }, 'unauthorized')
    const { error } = await assertFails({ status: 429, headers: { 'retry-after': '3' }, body: '' }, 'rate-limited')
    assert.equal(error.details?.retryAfterMs, 3_000)
    await assertFails({ status: 500, body: 'Internal Server Error' }, 'engine-failed')
    await assertFails({ status: 307, headers: { location: 'http://elsewhere/v1' }, body: '' }, 'backend-refused')
    await assertFails({ headers: { 'content-type': 'text/html' }, body: '<html>' }, 'backend-refused')
    await assertFails({ headers: { 'content-type': 'text/event-stream' }, body: 'garbage' }, 'stream-incomplete')
    await assertFails(json({ error: 'Unexpected endpoint or method.' }), 'engine-failed')
    await assertFails((response) => void response.socket?.resetAndDestroy(), 'engine-failed')
  })

  it('is cut in mid-stream: the text so far is kept, and the answer is none', async () => {
    const { transcript } = await assertFails(
      events(delta({ content: 'Hel' }), delta({ content: 'lo' })),
      'stream-incomplete',
    )
    assert.equal(transcript.text, 'Hello')
    const { promise: read, resolve: tell } = Promise.withResolvers<void>()
    await using served = await serve({
      'GET /v1/models': vllmList(),
      [route]: async (response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        response.write(events(delta({ content: 'Hi' })).body)
        await read
        response.socket?.resetAndDestroy()
      },
    })
    const { transcript: cut, error } = await tryChat(served.backend.chat(hello), ({ deltas }) => {
      if (deltas.length > 0) tell()
    })
    assert.ok(isLmappError(error, 'engine-died'))
    assert.equal(cut.text, 'Hi')
    const afterHeaders: Routes[string] = (response) =>
      void response.write(': ping\n\n', () => response.socket?.resetAndDestroy())
    await assertFails(afterHeaders, 'engine-failed')
  })

  it('answers with one value although a stream was asked for', async () => {
    const { transcript } = await chatOver(recorded('llama-server/chat-whole'))
    assert.equal(transcript.finishes[0]?.reason, 'length')
  })
})

describe('a chat that nobody wants any more', () => {
  async function withRoute(
    chat: Routes[string],
    act: (backend: Backend, replay: Awaited<ReturnType<typeof openReplay>>) => Promise<void>,
  ) {
    await using replay = await openReplay({ 'GET /v1/models': vllmList(), [route]: chat })
    await using backend = open({ url: `${replay.url}/v1` })
    await act(backend, replay)
  }
  const endless = startOf(recorded('llama-server/chat'), 0.5)
  const silent = () => {}

  it('finishes cancelled when it is aborted: before it, while it waits, in the middle', async () => {
    await withRoute(endless, async (backend, replay) => {
      const never = await readChat(backend.chat(hello, { signal: AbortSignal.abort() }))
      assert.deepEqual(never.parts, [{ type: 'finish', reason: 'cancelled', usage: {} }])
      assert.equal(replay.requests.length, 0)
      const abort = new AbortController()
      const middle = await readChat(backend.chat(hello, { signal: abort.signal }), ({ deltas }) => {
        if (deltas.length === 2) abort.abort()
      })
      assert.equal(middle.deltas.length, 2)
      assert.equal(middle.finishes[0]?.reason, 'cancelled')
    })
    await withRoute(silent, async (backend, replay) => {
      const abort = new AbortController()
      const reading = readChat(backend.chat(hello, { signal: abort.signal }))
      await replay.seen(route)
      abort.abort()
      assert.equal((await reading).finishes[0]?.reason, 'cancelled')
    })
  })

  it('drops the connection when the reader leaves, also before the first token', async () => {
    for (const [chat, until] of [
      [endless, 'text-delta'],
      [silent, 'status'],
    ] as const) {
      const { promise: dropped, resolve } = Promise.withResolvers<void>()
      const watched: Routes[string] = (response, request) => {
        response.once('close', resolve)
        chat(response, request)
      }
      await withRoute(watched, async (backend, replay) => {
        for await (const part of backend.chat(hello)) {
          if (part.type !== until || (part.type === 'status' && part.phase !== 'prompt')) continue
          await replay.seen(route)
          break
        }
        await dropped
        assert.equal((await backend.isRunning()).active, 0)
      })
    }
  })

  it('throws backend-stopped when the backend is stopped, and counts as active until then', async () => {
    await withRoute(silent, async (backend, replay) => {
      const reading = tryChat(backend.chat(hello))
      await replay.seen(route)
      assert.equal((await backend.isRunning()).active, 1)
      await backend.stop()
      assert.ok(isLmappError((await reading).error, 'backend-stopped'))
      assert.equal((await backend.isRunning()).active, 0)
    })
  })
})
