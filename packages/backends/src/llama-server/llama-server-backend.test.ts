import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { isLmappError } from 'lmapp-kit'
import { readChat, tryChat } from 'lmapp-kit/testkit'
import { openReplay, type Routes, startOf } from '../testing/replay-server.ts'
import { createLlamaServerBackend, llamaServerBackendType } from './index.ts'
import {
  failsWith,
  json,
  model,
  open,
  patient,
  propsWith,
  recorded,
  routerRoutes,
  say,
  serve,
  singleRoutes,
} from './testing/recordings.ts'

const hello = { model, messages: [say('user', 'Say hello.')] }

describe('who answers', () => {
  it('is proved to be llama-server before use, once as long as a connection is open', async () => {
    await using served = await serve(singleRoutes())
    await served.backend.start()
    await served.backend.start()
    assert.deepEqual(
      served.replay.requests.map(({ route }) => route),
      ['GET /health', 'GET /props'],
    )
    const info = await served.backend.getInfo()
    assert.equal(info.engineVersion, 'b0-unknown')
    assert.equal(info.description, `llama-server at ${served.replay.url}`)
    assert.equal(info.capabilities.parallel, 2)
  })

  it('is proved again after the server was replaced', async () => {
    const first = await openReplay(singleRoutes())
    await using backend = open(first)
    await backend.start()
    await first.kill()
    await using second = await openReplay({ 'GET /health': json({ status: 'ok' }) }, first.port)
    await assert.rejects(backend.listModels(), failsWith('backend-not-identified'))
    assert.deepEqual(
      second.requests.map(({ route }) => route),
      ['GET /health', 'GET /props'],
    )
  })

  for (const [name, health] of [
    ['lmapp itself', { ...recorded('health'), headers: { server: 'llama.cpp', 'x-lmapp': '1' } }],
    ['something of another name', { body: '{"status":"ok"}' }],
    ['something that knows no such path', { status: 404, body: '' }],
  ] as const) {
    it(`sees no question when it is replaced by another program: ${name}`, async () => {
      const first = await openReplay(singleRoutes({ 'POST /v1/chat/completions': recorded('chat') }))
      await using backend = open(first)
      assert.notEqual((await readChat(backend.chat(hello))).text, '')
      await first.kill()
      await using second = await openReplay(singleRoutes({ 'GET /health': health }), first.port)
      const { error } = await tryChat(backend.chat(hello))
      assert.ok(isLmappError(error, 'backend-not-identified'), String(error))
      assert.deepEqual(
        second.requests.map(({ route }) => route),
        ['GET /health'],
      )
    })
  }

  for (const [name, routes] of Object.entries({
    'something of another name': { 'GET /health': { body: '{"status":"ok"}' } },
    'something without properties': { 'GET /health': recorded('health'), 'GET /props': recorded('not-found') },
    'something with other properties': { 'GET /health': recorded('health'), 'GET /props': json({ version: 1 }) },
    'something that answers with a page': { 'GET /health': recorded('health'), 'GET /props': { body: '<html>' } },
    'lmapp itself': { 'GET /health': { ...recorded('health'), headers: { server: 'llama.cpp', 'x-lmapp': '1' } } },
    'something that is no HTTP': {
      'GET /health': (response: { socket: { end(text: string): void } | null }) => response.socket?.end('220 mail\r\n'),
    },
  } satisfies Record<string, Routes>)) {
    it(`is not llama-server: ${name}`, async () => {
      await using served = await serve(routes)
      await assert.rejects(served.backend.start(), failsWith('backend-not-identified'))
      const health = await served.backend.isRunning()
      assert.equal(health.state, 'failed')
      assert.ok(health.degraded)
    })
  }

  it('wants a key', async () => {
    await using served = await serve(singleRoutes({ 'GET /props': recorded('unauthorized') }))
    await assert.rejects(served.backend.start(), failsWith('unauthorized'))
    assert.equal((await served.backend.getInfo()).engineVersion, undefined)
  })

  it('is nobody: unreachable, with the command that starts it, and stopped for health', async () => {
    const gone = await openReplay({})
    await gone.kill()
    await using backend = open(gone)
    await assert.rejects(
      backend.start(),
      (error) => isLmappError(error, 'backend-unreachable') && error.hint.includes('llama-server -m'),
    )
    assert.deepEqual(await backend.isRunning(), { running: false, state: 'stopped', active: 0, queued: 0, models: [] })
    await assert.rejects(readChat(backend.chat(hello)), failsWith('backend-unreachable'))
  })

  it('is unreachable when it takes the connection and says nothing, and has failed for health', async () => {
    for (const route of ['GET /health', 'GET /props']) {
      await using served = await serve(singleRoutes({ [route]: () => {} }), { connectMs: 20 })
      await assert.rejects(served.backend.start(), failsWith('backend-unreachable'))
      assert.equal((await served.backend.isRunning()).state, 'failed')
    }
  })

  it('may be cancelled', async () => {
    await using served = await serve(singleRoutes())
    const signal = AbortSignal.abort()
    await assert.rejects(served.backend.start({ signal }), failsWith('cancelled'))
    await assert.rejects(served.backend.getInfo({ signal }), failsWith('cancelled'))
    await assert.rejects(served.backend.listModels({ signal }), failsWith('cancelled'))
    await assert.rejects(served.backend.isRunning({ signal }), failsWith('cancelled'))
  })
})

describe('without an address', () => {
  it('it is the first of several places where a llama-server is', async () => {
    await using other = await openReplay({ 'GET /health': { body: 'Hello' } })
    await using first = await openReplay(singleRoutes())
    await using second = await openReplay(singleRoutes())
    const urls = [other.url, first.url, second.url]
    await using backend = createLlamaServerBackend({ urls, timeouts: patient })
    assert.equal((await backend.getInfo()).description, `llama-server at ${first.url}`)
    assert.equal((await backend.listModels())[0]?.id, model)
  })

  it('nobody is there, whatever else listens at its usual ports', async () => {
    const gone = await openReplay({})
    await gone.kill()
    await using other = await openReplay({ 'GET /health': { body: 'Hello' } })
    await using backend = createLlamaServerBackend({ urls: [other.url, gone.url], timeouts: patient })
    await assert.rejects(backend.start(), failsWith('backend-unreachable'))
    assert.equal((await backend.isRunning()).state, 'stopped')
  })

  it('it is another one once the first was replaced, which sees no question', async () => {
    const chat = { 'POST /v1/chat/completions': recorded('chat') }
    const first = await openReplay(singleRoutes(chat))
    await using second = await openReplay(singleRoutes(chat))
    await using backend = createLlamaServerBackend({ urls: [first.url, second.url], timeouts: patient })
    await readChat(backend.chat(hello))
    await first.kill()
    await using other = await openReplay({}, first.port)
    const { error } = await tryChat(backend.chat(hello))
    assert.ok(error === undefined || isLmappError(error, 'backend-not-identified'), String(error))
    assert.notEqual((await readChat(backend.chat(hello))).text, '')
    assert.ok(other.requests.every(({ route }) => route === 'GET /health'))
  })

  it('one that wants a key is somebody', async () => {
    const gone = await openReplay({})
    await gone.kill()
    await using locked = await openReplay(singleRoutes({ 'GET /props': recorded('unauthorized') }))
    await using backend = createLlamaServerBackend({ urls: [gone.url, locked.url], timeouts: patient })
    await assert.rejects(backend.start(), failsWith('unauthorized'))
  })

  it('says where it looks', () => {
    const { describeAddress } = llamaServerBackendType
    const usual = { config: {}, environment: {} }
    assert.equal(describeAddress(usual), 'http://127.0.0.1:8080 or :9931')
    assert.equal(describeAddress({ ...usual, config: { url: 'http://box:1' } }), 'http://box:1')
  })
})

describe('while it loads', () => {
  const loading = (times: number, then = recorded('health')) => ({
    'GET /health': [...Array.from({ length: times }, () => recorded('loading')), then],
  })

  it('it runs, and who waits sees the model loading', async () => {
    await using served = await serve(singleRoutes({ 'GET /health': recorded('loading') }))
    const abort = new AbortController()
    const reading = readChat(served.backend.chat(hello, { signal: abort.signal }))
    await served.replay.seen('GET /health', 2)
    const { running, state, active, degraded, models } = await served.backend.isRunning()
    assert.deepEqual({ running, state, active }, { running: true, state: 'running', active: 1 })
    assert.ok(degraded)
    assert.deepEqual(models, [{ id: model, state: 'loading' }])
    assert.equal((await served.backend.getInfo()).engineVersion, undefined)
    abort.abort()
    assert.equal((await reading).finishes[0]?.reason, 'cancelled')
  })

  it('a chat waits, says so once, and is then answered', async () => {
    const routes = singleRoutes({ ...loading(3), 'POST /v1/chat/completions': recorded('chat') })
    await using served = await serve(routes)
    const transcript = await readChat(served.backend.chat(hello))
    const phases = transcript.statuses.map(({ phase }) => phase)
    assert.deepEqual(phases.slice(0, 2), ['connecting', 'loading'])
    assert.equal(phases.filter((phase) => phase === 'loading').length, 1)
    assert.notEqual(transcript.text, '')
  })

  it('a chat waits also when it finds out only by its own question', async () => {
    const routes = singleRoutes({
      'GET /props': [recorded('loading-props'), recorded('props')],
      'POST /v1/chat/completions': [recorded('loading'), recorded('chat')],
    })
    await using served = await serve(routes)
    const transcript = await readChat(served.backend.chat(hello))
    assert.equal(transcript.statuses.filter(({ phase }) => phase === 'loading').length, 1)
    assert.equal(transcript.finishes[0]?.reason, 'stop')
  })

  it('a list waits for a moment, then says that it is busy', async () => {
    await using soon = await serve(singleRoutes(loading(2)))
    assert.equal((await soon.backend.listModels()).length, 1)
    await using never = await serve(singleRoutes({ 'GET /health': recorded('loading') }), { connectMs: 50 })
    await assert.rejects(never.backend.listModels(), failsWith('busy'))
    await assert.rejects(async () => never.backend.embed?.({ model, input: ['a'] }), failsWith('busy'))
  })

  it('what takes the connection and says nothing is not taken for one that loads', async () => {
    await using silent = await serve(singleRoutes({ 'GET /health': () => {} }), { connectMs: 20 })
    await assert.rejects(silent.backend.listModels(), failsWith('backend-unreachable'))
  })

  it('a server that is too busy for another reason is not waited for', async () => {
    const busy = json({ error: { code: 503, message: 'no slot', type: 'unavailable_error' } }, 503)
    await using served = await serve(singleRoutes({ 'POST /v1/chat/completions': busy }))
    const { error, transcript } = await tryChat(served.backend.chat(hello))
    assert.ok(isLmappError(error, 'busy'))
    assert.ok(transcript.statuses.every(({ phase }) => phase !== 'loading'))
  })
})

describe('the one model', () => {
  it('is listed under the name of its file, with what it can', async () => {
    await using served = await serve(singleRoutes())
    assert.deepEqual(await served.backend.listModels(), [
      {
        id: model,
        sizeBytes: 96_576_768,
        quantization: 'Q4_1',
        parameters: '135M',
        contextLength: 8192,
        path: '/models/SmolLM2-135M-Instruct.Q4_1.gguf',
        loaded: true,
        capabilities: {
          chat: 'yes',
          continue: 'unknown',
          tools: 'no',
          'json-schema': 'yes',
          vision: 'no',
          reasoning: 'no',
          logprobs: 'yes',
          embed: 'no',
          'count-tokens': 'yes',
          load: 'no',
          unload: 'no',
          pull: 'no',
          remove: 'no',
          parallel: 2,
        },
      },
    ])
    assert.deepEqual((await served.backend.isRunning()).models, [{ id: model, state: 'ready' }])
  })

  it('is listed under its alias, and answers to every name that it has', async () => {
    const models = JSON.parse(recorded('models').body)
    models.data[0] = { ...models.data[0], id: 'small', aliases: ['small', 'tiny'] }
    const routes = { 'GET /props': recorded('authorized'), 'GET /v1/models': json(models) }
    await using served = await serve(singleRoutes(routes))
    const alias = JSON.parse(recorded('authorized').body).model_alias
    assert.equal((await served.backend.listModels())[0]?.id, alias)
    for (const name of ['small', 'tiny', model, `${model}.gguf`, `/models/${model}.gguf`]) {
      assert.equal((await served.backend.showModel?.(name))?.id, alias)
    }
    const isMissing = (error: unknown) => {
      assert.ok(isLmappError(error, 'model-not-found'))
      assert.deepEqual(error.details?.known, [alias])
      return true
    }
    await assert.rejects(async () => served.backend.showModel?.('other'), isMissing)
  })

  it('is shown with its template', async () => {
    await using served = await serve(singleRoutes())
    assert.ok((await served.backend.showModel?.(model))?.template?.includes('<|im_start|>'))
  })

  it('is known by what older and newer servers say, too', async () => {
    for (const [changes, tools, vision, reasoning] of [
      [
        { chat_template_caps: undefined, modalities: undefined, chat_template: undefined },
        'unknown',
        'unknown',
        'unknown',
      ],
      [{ chat_template_caps: { supports_tools: true }, modalities: { vision: true } }, 'yes', 'yes', 'no'],
      [{ chat_template: '{{ enable_thinking }}' }, 'no', 'no', 'yes'],
      [{ chat_template: '<think>' }, 'no', 'no', 'unknown'],
      [{ chat_template_caps: { supports_reasoning_effort: true } }, 'unknown', 'no', 'yes'],
    ] as const) {
      await using served = await serve(singleRoutes({ 'GET /props': propsWith(changes), 'GET /v1/models': json({}) }))
      const [listed] = await served.backend.listModels()
      const { capabilities } = listed ?? {}
      assert.deepEqual([capabilities?.tools, capabilities?.vision, capabilities?.reasoning], [tools, vision, reasoning])
    }
  })

  it('is counted with its own template and tokenizer; images only by an estimate', async () => {
    await using served = await serve(
      singleRoutes({ 'POST /apply-template': recorded('apply-template'), 'POST /tokenize': recorded('tokenize') }),
    )
    const messages = [say('user', 'Name the days of the week in order.')]
    const counted = await served.backend.countTokens?.({ model, messages })
    assert.deepEqual(counted, { tokens: JSON.parse(recorded('tokenize').body).tokens.length, exact: true })
    const image = { role: 'user', content: [{ type: 'image', mediaType: 'image/png', data: 'AAAA' }] } as const
    const seen = await served.backend.countTokens?.({ model, messages: [{ ...image, content: [...image.content] }] })
    assert.equal(seen?.exact, false)
  })
})

describe('counting', () => {
  const messages = [say('user', 'Name the days of the week in order.')]
  const tools = [{ name: 'look', parameters: { type: 'object' } }]
  const counting = { 'POST /apply-template': recorded('apply-template'), 'POST /tokenize': recorded('tokenize') }

  it('gives the tools to the template, where that has a place for them', async () => {
    const able = propsWith({ chat_template_caps: { supports_tools: true } })
    await using served = await serve(singleRoutes({ ...counting, 'GET /props': able }))
    assert.equal((await served.backend.countTokens?.({ model, messages, tools }))?.exact, true)
    const asked = served.replay.requests.find(({ route }) => route === 'POST /apply-template')
    assert.deepEqual(asked?.body.tools, [{ type: 'function', function: tools[0] }])
    const unable = propsWith({ chat_template_caps: { supports_tools: false } })
    await using other = await serve(singleRoutes({ ...counting, 'GET /props': unable }))
    await assert.rejects(async () => other.backend.countTokens?.({ model, messages, tools }), failsWith('unsupported'))
  })

  it('makes a router load nothing: then it is an estimate, of the tools too', async () => {
    await using served = await serve(routerRoutes({ 'POST /apply-template': json({}, 500) }))
    const counted = await served.backend.countTokens?.({ model: 'smol', messages })
    const more = await served.backend.countTokens?.({ model: 'smol', messages, tools })
    assert.deepEqual([counted?.exact, more?.exact], [false, false])
    assert.ok((more?.tokens ?? 0) > (counted?.tokens ?? 0))
    assert.ok(served.replay.requests.every(({ route }) => !route.startsWith('GET /props?model=')))
  })
})

describe('embedding', () => {
  const embed = async (routes: Routes, input = ['The sea.', 'Bread.']) => {
    await using served = await serve(singleRoutes(routes))
    return await served.backend.embed?.({ model, input })
  }
  const route = 'POST /v1/embeddings'

  it('gives a vector for each text', async () => {
    const answer = await embed({ [route]: recorded('embed') })
    assert.deepEqual(
      answer?.vectors.map(({ length }) => length),
      [4, 4],
    )
    assert.equal(answer?.inputTokens, 6)
    await assert.rejects(embed({ [route]: recorded('embed') }, ['one']), failsWith('protocol-violation'))
  })

  it('of another model is refused', async () => {
    const { headers, body } = recorded('embed')
    const vectors = { headers, body: body.replace(/"model":"[^"]*"/, '"model":"broken"') }
    await using served = await serve(routerRoutes({ 'POST /v1/embeddings': vectors }))
    await assert.rejects(
      async () => served.backend.embed?.({ model: 'smol', input: ['The sea.', 'Bread.'] }),
      failsWith('wrong-model'),
    )
  })

  it('is refused with what to do where the server was not started for it', async () => {
    for (const name of ['embed-off', 'embed-no-pooling']) {
      await assert.rejects(embed({ [route]: recorded(name) }), (error) => {
        assert.ok(isLmappError(error, 'unsupported'))
        assert.equal(error.details?.capability, 'embed')
        return error.hint.includes('--embeddings --pooling mean')
      })
    }
  })

  it('is refused with the numbers for a text that is too long', async () => {
    await assert.rejects(embed({ [route]: recorded('embed-too-long') }), (error) => {
      assert.ok(isLmappError(error, 'context-overflow'))
      assert.deepEqual(error.details, { model, promptTokens: 601, contextLength: 128 })
      return error.hint.includes('-ub')
    })
    await assert.rejects(embed({ [route]: { status: 500, body: '' } }), failsWith('engine-failed'))
  })

  it('is known from a question without a text, asked once', async () => {
    for (const [answer, known] of [
      [recorded('embed-on'), 'yes'],
      [recorded('embed-off'), 'no'],
      [recorded('embed-no-pooling'), 'no'],
      [json({}), 'unknown'],
      [{ status: 500, body: '' }, 'unknown'],
    ] as const) {
      await using served = await serve(singleRoutes({ [route]: answer }))
      for (let round = 0; round < 2; round += 1) {
        assert.equal((await served.backend.listModels())[0]?.capabilities?.embed, known)
      }
    }
    await using locked = await serve(singleRoutes({ [route]: recorded('unauthorized') }))
    await assert.rejects(locked.backend.listModels(), failsWith('unauthorized'))
  })
})

describe('a router', () => {
  const hi = { ...hello, model: 'smol' }

  it('lists its models, loaded or not, and loads none for that', async () => {
    await using served = await serve(routerRoutes())
    assert.deepEqual(
      (await served.backend.listModels()).map(({ id, loaded, capabilities }) => [id, loaded, capabilities?.vision]),
      [
        ['broken', false, 'unknown'],
        ['smol', false, 'unknown'],
      ],
    )
    assert.equal((await served.backend.getInfo()).capabilities.parallel, undefined)
    assert.ok(served.replay.requests.every(({ route }) => !route.includes('model=')))
  })

  it('says of a loaded model what it can', async () => {
    await using served = await serve(routerRoutes({ 'GET /models': recorded('router-models-loaded') }))
    const shown = await served.backend.showModel?.('smol')
    assert.equal(shown?.loaded, true)
    assert.deepEqual([shown.capabilities?.vision, shown.capabilities?.parallel], ['no', 1])
    assert.deepEqual((await served.backend.isRunning()).models, [
      { id: 'broken', state: 'unloaded' },
      { id: 'smol', state: 'ready' },
    ])
  })

  it('that loads nothing by itself says so', async () => {
    const body = { error: { code: 400, message: 'model is not loaded', type: 'invalid_request_error' } }
    await using served = await serve(routerRoutes({ 'GET /props?model=smol': json(body, 400) }))
    const { error } = await tryChat(served.backend.chat(hi))
    assert.ok(isLmappError(error, 'model-load-failed'))
    assert.match(error.hint, /--models-autoload/)
  })

  it('may have unloaded a model in between', async () => {
    const gone = json({ error: { code: 400, message: 'model is not loaded', type: 'invalid_request_error' } }, 400)
    await using served = await serve(
      routerRoutes({
        'GET /models': recorded('router-models-loaded'),
        'GET /props?model=smol&autoload=false': gone,
      }),
    )
    assert.equal((await served.backend.showModel?.('smol'))?.capabilities?.vision, 'unknown')
  })

  it('loads the model that a chat asks for, which is shown as loading meanwhile', async () => {
    await using served = await serve(
      routerRoutes({ 'GET /props?model=smol': () => {}, 'POST /v1/chat/completions': recorded('router-chat') }),
    )
    const abort = new AbortController()
    const reading = readChat(served.backend.chat(hi, { signal: abort.signal }))
    await served.replay.seen('GET /props?model=smol')
    assert.deepEqual((await served.backend.isRunning()).models, [
      { id: 'broken', state: 'unloaded' },
      { id: 'smol', state: 'loading' },
    ])
    abort.abort()
    const { statuses } = await reading
    assert.deepEqual(
      statuses.map(({ phase }) => phase),
      ['connecting', 'loading'],
    )
  })

  it('answers under the name that was asked', async () => {
    await using served = await serve(routerRoutes({ 'POST /v1/chat/completions': recorded('router-chat') }))
    const transcript = await readChat(served.backend.chat(hi))
    assert.notEqual(transcript.text, '')
    assert.equal((await served.replay.seen('POST /v1/chat/completions')).body.model, 'smol')
  })

  it('that answers for another of its models is not believed', async () => {
    const { headers, body } = recorded('router-chat')
    const chat = { headers, body: body.replaceAll('"model":"smol"', '"model":"broken"') }
    await using served = await serve(routerRoutes({ 'POST /v1/chat/completions': chat }))
    const { transcript, error } = await tryChat(served.backend.chat(hi))
    assert.ok(isLmappError(error, 'wrong-model'))
    assert.equal(error.message, 'llama-server was asked for smol and answered for broken.')
    assert.equal(transcript.text, '')
  })

  it('says that a model does not load, or is not there', async () => {
    await using served = await serve(routerRoutes())
    const broken = await tryChat(served.backend.chat({ ...hello, model: 'broken' }))
    assert.ok(isLmappError(broken.error, 'model-load-failed'))
    const missing = await tryChat(served.backend.chat({ ...hello, model: 'nope' }))
    assert.ok(isLmappError(missing.error, 'model-not-found'))
    assert.deepEqual(missing.error.details?.known, ['broken', 'smol'])
    await using strange = await serve(routerRoutes({ 'GET /props?model=smol': json({}) }))
    assert.ok(isLmappError((await tryChat(strange.backend.chat(hi))).error, 'protocol-violation'))
  })

  it('tells states as it names them', async () => {
    const data = ['loading', 'sleeping', 'downloading'].map((value) => ({ id: value, status: { value } }))
    await using served = await serve(routerRoutes({ 'GET /models': json({ data: [...data, { id: 'old' }, 7] }) }))
    assert.deepEqual((await served.backend.isRunning()).models, [
      { id: 'loading', state: 'loading' },
      { id: 'sleeping', state: 'unloaded' },
      { id: 'downloading', state: 'unloaded' },
      { id: 'old', state: 'unloaded' },
    ])
  })
})

describe('health', () => {
  it('answers in the middle of a chat and counts it', async () => {
    await using served = await serve(singleRoutes({ 'POST /v1/chat/completions': startOf(recorded('chat'), 0.8) }))
    for await (const part of served.backend.chat(hello)) {
      if (part.type !== 'text-delta') continue
      assert.equal((await served.backend.isRunning()).active, 1)
      break
    }
    assert.equal((await served.backend.isRunning()).active, 0)
  })

  it('has failed when it hangs', async () => {
    await using served = await serve(singleRoutes({ 'GET /health': () => {} }), { stallMs: 20 })
    const { state, degraded } = await served.backend.isRunning()
    assert.equal(state, 'failed')
    assert.ok(degraded)
  })
})

describe('bytes that mean nothing', () => {
  const noise = (size: number) => ({ headers: { server: 'llama.cpp' }, body: randomBytes(size).toString('latin1') })
  const asTyped = async (work: Promise<unknown> | undefined) => {
    try {
      await work
    } catch (error) {
      assert.ok(isLmappError(error), String(error))
    }
  }

  it('are a typed error, or as if nothing had been said, on whatever route they come', async () => {
    const routes = ['GET /health', 'GET /props', 'GET /v1/models', 'POST /v1/embeddings', 'POST /tokenize']
    for (const route of [...routes, 'POST /apply-template', 'POST /completion', 'GET /models']) {
      const base = route === 'GET /models' ? routerRoutes : singleRoutes
      await using served = await serve(base({ 'POST /apply-template': json({ prompt: 'A' }), [route]: noise(10_000) }))
      const { backend } = served
      await asTyped(backend.listModels())
      await asTyped(backend.embed?.({ model, input: ['a'] }))
      await asTyped(backend.countTokens?.({ model, messages: hello.messages }))
      const messages = [...hello.messages, say('assistant', 'One')]
      await asTyped(readChat(backend.chat({ model, messages, continue: true })))
      assert.ok((await backend.isRunning()).state)
    }
  })

  it('are a typed error when they are nested deeply, or have no end', async () => {
    const deep = { headers: { server: 'llama.cpp' }, body: '['.repeat(1_000_000) }
    const endless = { headers: { server: 'llama.cpp' }, body: ' '.repeat(5_000_000) }
    for (const answer of [deep, endless]) {
      const send = (response: ServerResponse) => response.writeHead(200, answer.headers).end(answer.body)
      await using served = await serve(singleRoutes({ 'GET /props': send }))
      await asTyped(served.backend.start())
      assert.equal((await served.backend.isRunning()).state, 'failed')
    }
  })
})

describe('the type', () => {
  it('sends the key of a file or a variable, and none when there is none', async () => {
    await using replay = await openReplay(singleRoutes())
    const folder = await mkdtemp(join(tmpdir(), 'lmapp-test-'))
    try {
      const apiKeyFile = join(folder, 'key')
      await writeFile(apiKeyFile, 'from-file\n', { mode: 0o600 })
      const { url } = replay
      for (const config of [{ url, apiKeyEnv: 'KEY' }, { url, apiKeyFile }, { url }]) {
        const definition = { config, environment: { KEY: 'from-env' } }
        await using backend = llamaServerBackendType.create(definition, { timeouts: patient })
        await backend.start()
      }
      assert.deepEqual(
        replay.requests.filter(({ route }) => route === 'GET /props').map(({ headers }) => headers.authorization),
        ['Bearer from-env', 'Bearer from-file', undefined],
      )
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it('refuses an address that is none, when it is used', async () => {
    const definition = { config: { url: 'ftp://box' }, environment: {} }
    await using backend = llamaServerBackendType.create(definition, { timeouts: patient })
    await assert.rejects(backend.start(), failsWith('config-invalid'))
  })
})
