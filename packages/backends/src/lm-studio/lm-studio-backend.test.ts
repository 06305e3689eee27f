import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type ChatRequest, type ErrorCode, isLmappError, type ModelInfo } from 'lmapp-kit'
import { readChat, tryChat } from 'lmapp-kit/testkit'
import { delta, done, events, json } from '../openai-wire/testing/recordings.ts'
import { openReplay, type Routes } from '../testing/replay-server.ts'
import { lmStudioBackendType } from './index.ts'
import { lmStudioRoutes, open, patient, serve, user, written } from './testing/open-lm-studio.ts'

const loaded = 'gemma-3-270m-it-qat'
const waiting = 'qwen/qwen2.5-vl-7b'
const embedder = 'text-embedding-nomic-embed-text-v1.5-embedding'
const route = 'POST /v1/chat/completions'
const unknown = written('unknown-endpoint')
const hello: ChatRequest = { model: loaded, messages: [user('Say hello.')] }

function failsWith(code: ErrorCode, hint = /./) {
  return (error: unknown) => isLmappError(error, code) && hint.test(error.hint)
}

async function chatOver(routes: Routes, request: ChatRequest = hello) {
  await using served = await serve(routes)
  const outcome = await tryChat(served.backend.chat(request))
  const sent = served.replay.requests.filter((seen) => seen.route === route).map(({ body }) => body)
  return { ...outcome, sent, replay: served.replay }
}

async function assertFails(routes: Routes, code: ErrorCode, request: ChatRequest = hello) {
  const { transcript, error, sent } = await chatOver(routes, request)
  assert.ok(isLmappError(error, code), `${code} was due, not ${error}`)
  assert.equal(transcript.finishes.length, 0)
  return { transcript, error, sent }
}

describe('who answers', () => {
  it('is LM Studio only by its greeting, proved once as long as a connection is open', async () => {
    await using served = await serve({})
    await served.backend.start()
    await served.backend.listModels()
    assert.deepEqual(
      served.replay.requests.map(({ route: asked }) => asked),
      ['GET /lmstudio-greeting', 'GET /api/v1/models'],
    )
    assert.match((await served.backend.getInfo()).description ?? '', /^LM Studio at/)
  })

  for (const [name, answer, code] of [
    ['a 200 for whatever is asked', unknown, 'backend-not-identified'],
    ['a page', { body: '<html>' }, 'backend-not-identified'],
    ['another greeting', json({ lmstudio: false }), 'backend-not-identified'],
    ['something that knows no such path', { status: 404, body: '' }, 'backend-not-identified'],
    ['something that wants a key', { status: 401, body: '' }, 'unauthorized'],
  ] as const) {
    it(`is not relied on: ${name}`, async () => {
      await using served = await serve({ 'GET /lmstudio-greeting': answer })
      await assert.rejects(served.backend.start(), failsWith(code))
      assert.equal((await served.backend.isRunning()).state, 'failed')
    })
  }

  it('is nobody, or says nothing', async () => {
    const gone = await openReplay({})
    await gone.kill()
    await using backend = open(gone)
    await assert.rejects(backend.start(), failsWith('backend-unreachable', /lms server start/))
    assert.equal((await backend.isRunning()).state, 'stopped')
    await assert.rejects(backend.isRunning({ signal: AbortSignal.abort() }), failsWith('cancelled'))
    await using replay = await openReplay({ 'GET /lmstudio-greeting': () => {} })
    await using hasty = open(replay, { connectMs: 20 })
    await assert.rejects(hasty.start(), failsWith('backend-unreachable', /doctor/))
  })

  it('is proved again before a request that a closed connection lost goes out once more', async () => {
    let closing = false
    const chat = written('chat')
    const { transcript, replay } = await chatOver({
      [route]: (response) => {
        if (closing) return response.writeHead(200, chat.headers).end(chat.body)
        closing = true
        return response.socket?.resetAndDestroy()
      },
    })
    assert.equal(transcript.text, 'Hello!')
    assert.equal(replay.requests.filter((seen) => seen.route === 'GET /lmstudio-greeting').length, 2)
  })

  for (const [name, greeting] of [
    ['lmapp itself', { ...written('greeting'), headers: { 'x-lmapp': '1' } }],
    ['a 200 for whatever is asked', unknown],
    ['something that knows no such path', { status: 404, body: '' }],
  ] as const) {
    it(`sees no question when it is replaced by another program: ${name}`, async () => {
      const first = await openReplay(lmStudioRoutes({ [route]: written('chat') }))
      await using backend = open(first)
      assert.equal((await readChat(backend.chat(hello))).text, 'Hello!')
      await first.kill()
      await using second = await openReplay(lmStudioRoutes({ 'GET /lmstudio-greeting': greeting }), first.port)
      const { error } = await tryChat(backend.chat(hello))
      assert.ok(isLmappError(error, 'backend-not-identified'), String(error))
      assert.deepEqual(
        second.requests.map(({ route: asked }) => asked),
        ['GET /lmstudio-greeting'],
      )
    })
  }
})

describe('models', () => {
  const listed = async (routes: Routes = {}): Promise<Record<string, ModelInfo>> => {
    await using served = await serve(routes)
    return Object.fromEntries((await served.backend.listModels()).map((info) => [info.id, info]))
  }

  it('of 0.4 are listed whole', async () => {
    const models = await listed()
    assert.deepEqual(models[loaded], {
      id: loaded,
      sizeBytes: 241410208,
      quantization: 'Q4_0',
      parameters: '270M',
      family: 'gemma3',
      contextLength: 32768,
      loaded: true,
      capabilities: {
        chat: 'yes',
        tools: 'unknown',
        'json-schema': 'yes',
        embed: 'no',
        vision: 'no',
        load: 'yes',
        unload: 'yes',
      },
    })
    assert.equal(models[waiting]?.loaded, false)
    assert.partialDeepStrictEqual(models[waiting].capabilities, { vision: 'yes', tools: 'yes' })
    assert.partialDeepStrictEqual(models[embedder]?.capabilities, { chat: 'no', embed: 'yes' })
  })

  it('of 0.3 come from its older lists, which it is asked for after the newer ones', async () => {
    const older = await listed({ 'GET /api/v1/models': unknown, 'GET /api/v0/models': written('models-v0') })
    assert.deepEqual(
      Object.values(older).map((info) => [info.id, info.loaded, info.quantization, info.capabilities?.load]),
      [
        ['qwen2-vl-7b-instruct', false, '4bit', 'no'],
        [loaded, true, 'Q4_0', 'no'],
        ['text-embedding-nomic-embed-text-v1.5', false, 'Q4_0', 'no'],
      ],
    )
    assert.partialDeepStrictEqual(older['qwen2-vl-7b-instruct']?.capabilities, { vision: 'yes', tools: 'yes' })
    assert.equal(older['text-embedding-nomic-embed-text-v1.5']?.capabilities?.embed, 'yes')
    const oldest = await listed({
      'GET /api/v1/models': { status: 404, body: '' },
      'GET /api/v0/models': unknown,
      'GET /v1/models': written('models-openai'),
    })
    assert.deepEqual(Object.keys(oldest), [loaded])
  })

  it('are asked for where they were found, until another LM Studio answers', async () => {
    await using served = await serve({ 'GET /api/v1/models': unknown, 'GET /api/v0/models': written('models-v0') })
    await served.backend.listModels()
    await served.backend.listModels()
    assert.equal(served.replay.requests.filter((seen) => seen.route === 'GET /api/v1/models').length, 1)
  })

  it('cannot be had where there is no list, or it fails', async () => {
    await using none = await serve({ 'GET /api/v1/models': unknown })
    await assert.rejects(none.backend.listModels(), failsWith('protocol-violation'))
    await using broken = await serve({ 'GET /api/v1/models': json({ error: { message: 'boom' } }) })
    await assert.rejects(broken.backend.listModels(), failsWith('engine-failed', /lms log/))
    await using nonsense = await serve({ 'GET /api/v1/models': { body: 'models' } })
    await assert.rejects(nonsense.backend.listModels(), failsWith('protocol-violation'))
  })

  it('are read however little is said of them', async () => {
    const models = [
      {},
      5,
      { key: 'a' },
      { key: 'b', capabilities: { reasoning: {} }, loaded_instances: [{}, { id: 'b' }] },
    ]
    const found = await listed({ 'GET /api/v1/models': json({ models }) })
    assert.deepEqual(
      Object.values(found).map((info) => [info.id, info.loaded, info.capabilities?.reasoning]),
      [
        ['a', false, undefined],
        ['b', true, 'yes'],
      ],
    )
    const older = json({ data: [{}, { id: 'a' }] })
    const fromOlder = await listed({ 'GET /api/v1/models': unknown, 'GET /api/v0/models': older })
    assert.deepEqual(Object.keys(fromOlder), ['a'])
  })

  it('are loaded, but not twice, and unloaded with all their copies', async () => {
    await using served = await serve({
      'POST /api/v1/models/load': written('load'),
      'POST /api/v1/models/unload': written('unload'),
    })
    const { backend, replay } = served
    await backend.loadModel?.(loaded)
    await backend.loadModel?.(waiting)
    await backend.unloadModel?.(loaded)
    await backend.unloadModel?.(`${loaded}:2`)
    await backend.unloadModel?.(waiting)
    assert.deepEqual(
      replay.requests.filter((seen) => seen.route.startsWith('POST')).map(({ route: asked, body }) => [asked, body]),
      [
        ['POST /api/v1/models/load', { model: waiting }],
        ['POST /api/v1/models/unload', { instance_id: loaded }],
        ['POST /api/v1/models/unload', { instance_id: `${loaded}:2` }],
        ['POST /api/v1/models/unload', { instance_id: `${loaded}:2` }],
      ],
    )
    await assert.rejects(async () => backend.loadModel?.('nope'), failsWith('model-not-found'))
    await using old = await serve({ 'GET /api/v1/models': unknown, 'GET /api/v0/models': written('models-v0') })
    const isOld = failsWith('unsupported', /0\.4/)
    await assert.rejects(async () => old.backend.loadModel?.('qwen2-vl-7b-instruct'), isOld)
    await assert.rejects(async () => old.backend.unloadModel?.(loaded), isOld)
  })

  it('embed, those that can', async () => {
    await using served = await serve({ 'POST /v1/embeddings': written('embeddings') })
    const input = ['The sea.', 'Bread.']
    assert.equal((await served.backend.embed?.({ model: embedder, input }))?.vectors.length, 2)
    await assert.rejects(async () => served.backend.embed?.({ model: loaded, input }), failsWith('unsupported'))
    const other = written('embeddings').body.replace('text-embedding-nomic-embed-text-v1.5@q4_k_m', loaded)
    await using another = await serve({ 'POST /v1/embeddings': { ...written('embeddings'), body: other } })
    await assert.rejects(
      async () => another.backend.embed?.({ model: embedder, input }),
      failsWith('wrong-model', /lms/),
    )
    await using without = await serve({})
    await assert.rejects(async () => without.backend.embed?.({ model: embedder, input }), failsWith('unsupported'))
  })
})

describe('health', () => {
  it('says what is loaded, and what is being loaded for a chat', async () => {
    await using served = await serve({ [route]: () => {} })
    const abort = new AbortController()
    const reading = readChat(served.backend.chat({ ...hello, model: waiting }, { signal: abort.signal }))
    await served.replay.seen(route)
    const { active, models } = await served.backend.isRunning()
    assert.equal(active, 1)
    assert.deepEqual(models, [
      { id: loaded, state: 'ready' },
      { id: waiting, state: 'loading' },
    ])
    abort.abort()
    assert.equal((await reading).finishes[0]?.reason, 'cancelled')
  })
})

describe('a chat', () => {
  it('gives reasoning, text, count, and the context it was loaded with', async () => {
    const { transcript } = await chatOver({ [route]: written('chat') })
    assert.deepEqual([transcript.reasoning, transcript.text], ['Hm.', 'Hello!'])
    assert.deepEqual(transcript.finishes[0]?.usage, { inputTokens: 24, outputTokens: 3, contextLength: 4096 })
    assert.deepEqual(transcript.warnings, [])
  })

  it('sends what LM Studio knows, and warns of the rest', async () => {
    const tools = ['look', 'listen'].map((name) => ({ name, parameters: {} }))
    const { sent, transcript } = await chatOver(
      { [route]: written('chat') },
      {
        ...hello,
        tools,
        toolChoice: { name: 'look' },
        options: { topK: 4, minP: 0.1, repeatPenalty: 1.1, logprobs: 1 },
      },
    )
    assert.partialDeepStrictEqual(sent[0], { top_k: 4, repeat_penalty: 1.1, tool_choice: 'required' })
    assert.equal((sent[0]?.tools as unknown[]).length, 1)
    assert.deepEqual([sent[0]?.ttl, sent[0]?.logprobs], [undefined, undefined])
    assert.deepEqual(
      transcript.warnings.map(({ setting }) => setting),
      ['options.minP', 'options.logprobs'],
    )
  })

  it('says that a model loads while no header comes', async () => {
    const { promise: told, resolve: tell } = Promise.withResolvers<void>()
    const answer = events({ ...delta({ content: 'Hi' }), model: `${waiting}@q4_k_m` }, delta({}, 'stop'), done)
    await using served = await serve({
      [route]: async (response) => {
        await told
        response.end(answer.body.replaceAll('"model":"m"', `"model":"${waiting}"`))
      },
    })
    const { statuses } = await readChat(served.backend.chat({ ...hello, model: waiting }), (_, part) => {
      if (part.type === 'status' && part.phase === 'loading') tell()
    })
    assert.deepEqual(
      statuses.map(({ phase }) => phase),
      ['connecting', 'loading', 'generating'],
    )
  })

  it('is not read when another model answers: nothing of it is shown', async () => {
    const asked = { ...hello, model: waiting }
    const { transcript, error } = await assertFails({ [route]: written('chat-other-model') }, 'wrong-model', asked)
    assert.equal(transcript.text, '')
    assert.equal(error.message, `LM Studio was asked for ${waiting} and answered for ${loaded}.`)
    assert.deepEqual(error.details, { model: waiting, answering: loaded })
    assert.match(error.hint, /lms load/)
  })

  it('is read under each name of its model, also under one that it was loaded with for this chat', async () => {
    const keys = ['gemma@q4_0', 'gemma@q8_0', 'other']
    const list = (instances: Record<string, string>) =>
      json({
        models: keys.map((key) => ({
          key,
          loaded_instances: instances[key] === undefined ? [] : [{ id: instances[key] }],
        })),
      })
    const answeredBy = async (name: string, chosen: Record<string, string> = {}) => {
      const [first, last] = [delta({ content: 'Hi' }), delta({}, 'stop')].map((event) => ({ ...event, model: name }))
      const { transcript, error } = await chatOver(
        { [route]: events(first, last, done), 'GET /api/v1/models': [list({}), list(chosen)] },
        { ...hello, model: 'gemma@q4_0' },
      )
      return isLmappError(error) ? error.code : transcript.warnings.map(({ code }) => code).join() || 'well'
    }
    assert.equal(await answeredBy('gemma@q4_0'), 'well')
    assert.equal(await answeredBy('gemma'), 'well')
    assert.equal(await answeredBy('Gemma:2'), 'well')
    assert.equal(await answeredBy('mine', { 'gemma@q4_0': 'mine' }), 'well')
    assert.equal(await answeredBy('gemma@q8_0'), 'wrong-model')
    assert.equal(await answeredBy('other:3'), 'wrong-model')
    assert.equal(await answeredBy('mine', { other: 'mine' }), 'wrong-model')
    assert.equal(await answeredBy('publisher/gemma/file.gguf'), 'other')
  })

  it('is read, and its name is said, where just now nobody can say whose that name is', async () => {
    const lists = [written('models-v1'), { status: 500, body: '' }]
    const asked = { ...hello, model: waiting }
    const routes = { [route]: written('chat-other-model'), 'GET /api/v1/models': lists }
    const { transcript, error } = await chatOver(routes, asked)
    assert.deepEqual([error, transcript.text], [undefined, 'Hello'])
    assert.deepEqual(
      transcript.warnings.map(({ message }) => message),
      [`LM Studio was asked for ${waiting}, and answers with ${loaded}.`],
    )
  })

  it('may be cancelled while it is asked whose the name is', async () => {
    let asked = 0
    const abort = new AbortController()
    await using served = await serve({
      [route]: written('chat-other-model'),
      'GET /api/v1/models': (response) => {
        asked += 1
        if (asked > 1) return abort.abort()
        return response.end(written('models-v1').body)
      },
    })
    const transcript = await readChat(served.backend.chat({ ...hello, model: waiting }, { signal: abort.signal }))
    assert.deepEqual([transcript.text, transcript.finishes[0]?.reason], ['', 'cancelled'])
  })

  it('may be asked of one of several copies', async () => {
    const { transcript } = await chatOver({ [route]: written('chat') }, { ...hello, model: `${loaded}:2` })
    assert.equal(transcript.text, 'Hello!')
  })

  it('is refused where the model cannot, or is not there', async () => {
    await assertFails({}, 'unsupported', { ...hello, model: embedder })
    const image = { role: 'user' as const, content: [{ type: 'image' as const, mediaType: 'image/png', data: 'AAAA' }] }
    await assertFails({}, 'unsupported', { ...hello, messages: [image] })
    await assertFails({}, 'bad-input', { ...hello, messages: [] })
    const { error, sent } = await assertFails({}, 'model-not-found', { ...hello, model: 'nope' })
    assert.deepEqual([error.details?.known, sent], [[loaded, waiting, embedder], []])
  })

  it('does not outgrow what the model was loaded with', async () => {
    const long = { ...hello, messages: [user('word '.repeat(5000))] }
    await assertFails({ [route]: written('chat') }, 'context-overflow', long)
    const { transcript } = await assertFails({ [route]: written('chat') }, 'prompt-truncated', {
      ...hello,
      messages: [user('word '.repeat(500))],
    })
    assert.equal(transcript.text, 'Hello!')
  })

  it('fails as LM Studio says, also with status 200', async () => {
    await assertFails({ [route]: written('no-models-loaded') }, 'model-not-found')
    await assertFails({}, 'engine-failed')
    await assertFails({ [route]: { status: 429, body: '' } }, 'rate-limited')
    await assertFails({ [route]: events({ ...delta({ content: 'Hi' }), model: loaded }) }, 'stream-incomplete')
  })

  it('is continued only where a trial proves it', async () => {
    const messages = [
      ...hello.messages,
      { role: 'assistant' as const, content: [{ type: 'text' as const, text: 'He' }] },
    ]
    await using served = await serve({ [route]: written('chat') })
    const { error } = await tryChat(served.backend.chat({ ...hello, messages, continue: true }))
    assert.ok(isLmappError(error, 'unsupported'))
    const models = await served.backend.listModels()
    assert.equal(models.find(({ id }) => id === loaded)?.capabilities?.continue, 'no')
  })

  it('ends when the backend is stopped', async () => {
    await using served = await serve({ [route]: () => {} })
    const reading = tryChat(served.backend.chat(hello))
    await served.replay.seen(route)
    await served.backend.stop()
    assert.ok(isLmappError((await reading).error, 'backend-stopped'))
  })
})

describe('the type', () => {
  it('knows where LM Studio listens, and takes its address with /v1 too', () => {
    const at = (url?: string) => lmStudioBackendType.describeAddress({ config: url ? { url } : {}, environment: {} })
    assert.equal(at(), 'http://127.0.0.1:1234')
    assert.equal(at('http://box:1234/v1/'), 'http://box:1234')
  })

  it('sends a key where there is one', async () => {
    await using replay = await openReplay(lmStudioRoutes())
    for (const config of [{ url: replay.url, apiKeyEnv: 'KEY' }, { url: replay.url }]) {
      await using backend = lmStudioBackendType.create({ config, environment: { KEY: 'k' } }, { timeouts: patient })
      await backend.start()
    }
    assert.deepEqual(
      replay.requests.map(({ headers }) => headers.authorization),
      ['Bearer k', undefined],
    )
  })
})
