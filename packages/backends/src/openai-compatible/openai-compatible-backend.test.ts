import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { type Backend, type ErrorCode, isLmappError } from 'lmapp-kit'
import { readChat, tryChat } from 'lmapp-kit/testkit'
import { delta, done, events, json, recorded } from '../openai-wire/testing/recordings.ts'
import { type Answer, openReplay, type Routes } from '../testing/replay-server.ts'
import { createOpenAiCompatibleBackend, openaiCompatibleBackendType } from './index.ts'
import { listOf, open, patient, serve, user, vllmList } from './testing/open-compatible.ts'

function failsWith(code: ErrorCode, hint = /./) {
  return (error: unknown) => isLmappError(error, code) && hint.test(error.hint)
}

const llamaList = recorded('llama-server/models')
const ollamaList = recorded('ollama/models')
const page: Answer = { headers: { 'content-type': 'text/html' }, body: '<html>Welcome</html>' }

describe('who answers', () => {
  it('is recognised by what it says of itself, and asked nothing else', async () => {
    for (const [list, more, description, version] of [
      [llamaList, {}, /^llama-server at/, undefined],
      [ollamaList, { 'GET /api/version': json({ version: '0.17.4' }) }, /^Ollama at/, '0.17.4'],
      [vllmList(), { 'GET /version': json({ version: '0.12.0' }) }, /^vLLM at/, '0.12.0'],
      [
        listOf({ id: 'm', owned_by: 'sglang' }),
        { 'GET /get_server_info': json({ version: '0.5.6' }) },
        /^SGLang/,
        '0.5.6',
      ],
      [listOf({ id: 'm', owned_by: 'vllm' }, { id: 'n', owned_by: 'sglang' }), {}, /^The server at/, undefined],
      [listOf({ id: 'm' }), {}, /^The server at/, undefined],
    ] as const) {
      await using served = await serve({ 'GET /v1/models': list, ...more })
      const info = await served.backend.getInfo()
      assert.match(info.description ?? '', description)
      assert.equal(info.engineVersion, version)
    }
    await using unknown = await serve({ 'GET /v1/models': listOf({ id: 'm' }) })
    await unknown.backend.start()
    await unknown.backend.start()
    assert.deepEqual(
      unknown.replay.requests.map(({ route }) => route),
      ['GET /v1/models'],
    )
  })

  it('is found without /v1 on the same server, and behind a path', async () => {
    const chat = recorded('llama-server/chat')
    for (const [path, prefix] of [
      ['', '/v1'],
      ['/', '/v1'],
      ['/v1/', '/v1'],
      ['/gateway', '/gateway'],
      ['/gateway', '/gateway/v1'],
      ['/openai/v2', '/openai/v2'],
    ] as const) {
      await using replay = await openReplay({
        'GET /models': page,
        [`GET ${prefix}/models`]: listOf({ id: 'm' }),
        [`POST ${prefix}/chat/completions`]: chat,
      })
      await using backend = open({ url: replay.url + path })
      const { finishes } = await readChat(backend.chat({ model: 'm', messages: [user('Hi')] }))
      assert.equal(finishes[0]?.reason, 'stop')
    }
  })

  for (const [name, answer, code] of [
    ['a page', page, 'backend-not-identified'],
    ['something without a list', json({ ok: true }), 'backend-not-identified'],
    ['a 200 for whatever is asked', json({ error: 'Unexpected endpoint or method.' }), 'backend-not-identified'],
    ['something that knows no such path', { status: 404, body: '' }, 'backend-not-identified'],
    ['lmapp itself', { ...llamaList, headers: { 'x-lmapp': '1' } }, 'backend-not-identified'],
    ['something that wants a key', json({ error: { message: 'No key' } }, 401), 'unauthorized'],
    ['something that forbids it', { status: 403, body: '' }, 'forbidden'],
    [
      'something that sends elsewhere',
      { status: 301, headers: { location: 'https://box/v1' }, body: '' },
      'backend-refused',
    ],
    ['something that is loading', json({ error: { message: 'Loading model', code: 503 } }, 503), 'busy'],
    ['something that asks to wait', { status: 429, body: '' }, 'rate-limited'],
  ] as const) {
    it(`is not relied on: ${name}`, async () => {
      await using served = await serve({ 'GET /v1/models': answer as Answer })
      await assert.rejects(served.backend.start(), failsWith(code))
      const { running, state, degraded } = await served.backend.isRunning()
      assert.deepEqual([running, state], [false, 'failed'])
      assert.ok(degraded)
      assert.match((await served.backend.getInfo()).description ?? '', /^The server at/)
    })
  }

  it('is nobody, or says nothing', async () => {
    const gone = await openReplay({})
    await gone.kill()
    await using backend = open(gone)
    await assert.rejects(backend.start(), failsWith('backend-unreachable', /config edit/))
    assert.equal((await backend.isRunning()).state, 'stopped')
    await using replay = await openReplay({ 'GET /v1/models': () => {} })
    await using hasty = open({ url: `${replay.url}/v1` }, { connectMs: 20 })
    await assert.rejects(hasty.start(), failsWith('backend-unreachable', /doctor/))
    assert.match((await hasty.isRunning()).degraded ?? '', /has not answered for 0\.02 s/)
    await using slow = open({ url: `${replay.url}/v1` }, { stallMs: 20 })
    assert.equal((await slow.isRunning()).state, 'failed')
    const aborted = { signal: AbortSignal.abort() }
    await assert.rejects(slow.isRunning(aborted), failsWith('cancelled'))
    await assert.rejects(slow.getInfo(aborted), failsWith('cancelled'))
  })

  it('is proved again after the server was replaced', async () => {
    const first = await openReplay({ 'GET /v1/models': llamaList })
    await using backend = open({ url: `${first.url}/v1` })
    await backend.start()
    await first.kill()
    await using second = await openReplay({ 'GET /v1/models': page }, first.port)
    await assert.rejects(backend.listModels(), failsWith('backend-not-identified'))
    assert.equal(second.requests.length, 1)
  })

  for (const [name, list] of [
    ['lmapp itself', { ...vllmList(), headers: { 'x-lmapp': '1' } }],
    ['a page', page],
    ['something that knows no such path', { status: 404, body: '' }],
    ['something without a list', json({ ok: true })],
  ] as const) {
    it(`sees no question when it is replaced by another program: ${name}`, async () => {
      const chat = events(delta({ content: 'Hi' }), delta({}, 'stop'), done)
      const request = { model: 'org/model', messages: [user('Hi')] }
      const first = await openReplay({ 'GET /v1/models': vllmList(), 'POST /v1/chat/completions': chat })
      await using backend = open({ url: `${first.url}/v1` })
      assert.equal((await readChat(backend.chat(request))).text, 'Hi')
      await first.kill()
      await using second = await openReplay(
        { 'GET /v1/models': list as Answer, 'POST /v1/chat/completions': chat },
        first.port,
      )
      const { error } = await tryChat(backend.chat(request))
      assert.ok(isLmappError(error, 'backend-not-identified'), String(error))
      assert.deepEqual(
        second.requests.map(({ route }) => route),
        ['GET /v1/models'],
      )
    })
  }
})

describe('models', () => {
  it('are listed with what is known of them, and no more', async () => {
    await using served = await serve({ 'GET /v1/models': vllmList() })
    assert.deepEqual(await served.backend.listModels(), [
      {
        id: 'org/model',
        contextLength: 4096,
        loaded: true,
        capabilities: { 'json-schema': 'yes', continue: 'unknown' },
      },
    ])
    const { models } = await served.backend.isRunning()
    assert.deepEqual(models, [{ id: 'org/model', state: 'ready' }])
    await using other = await serve({ 'GET /v1/models': listOf({ id: 'm' }) })
    assert.deepEqual(await other.backend.listModels(), [{ id: 'm', capabilities: { continue: 'unknown' } }])
    assert.deepEqual((await other.backend.isRunning()).models, [])
  })

  it('cannot be had when the list is gone', async () => {
    await using served = await serve({ 'GET /v1/models': [llamaList, json({ ok: true })] })
    await assert.rejects(served.backend.listModels(), failsWith('protocol-violation'))
  })
})

describe('embeddings', () => {
  const model = 'SmolLM2-135M-Instruct.Q4_1.gguf'
  const embed = async (answer: Answer, list: Answer = llamaList) => {
    await using served = await serve({ 'GET /v1/models': list, 'POST /v1/embeddings': answer })
    const given = await served.backend.embed?.({ model, input: ['The sea.', 'Bread.'] })
    return { given, body: (await served.replay.seen('POST /v1/embeddings')).body }
  }

  it('are one vector for each text', async () => {
    const { given, body } = await embed(recorded('llama-server/embeddings'))
    assert.equal(given?.vectors.length, 2)
    assert.deepEqual(body, { model, input: ['The sea.', 'Bread.'], encoding_format: 'float' })
  })

  it('of another model are refused', async () => {
    const recording = recorded('llama-server/embeddings')
    const body = recording.body.replaceAll(model, 'bge-small')
    const list = listOf({ id: model, owned_by: 'llamacpp' }, { id: 'bge-small', owned_by: 'llamacpp' })
    await assert.rejects(embed({ ...recording, body }, list), (error) => {
      assert.ok(isLmappError(error, 'wrong-model'))
      assert.equal(error.message, `llama-server was asked for ${model} and answered for bge-small.`)
      return true
    })
    assert.equal((await embed({ ...recording, body })).given?.vectors.length, 2)
  })

  it('are unsupported where the server does not embed', async () => {
    await assert.rejects(embed(recorded('llama-server/embeddings-off')), failsWith('unsupported'))
    await assert.rejects(embed(recorded('llama-server/not-found')), failsWith('unsupported'))
    const noApi = json({ error: { message: 'The model does not support Embeddings API', code: 400 } }, 400)
    await assert.rejects(embed(noApi), failsWith('unsupported'))
  })

  it('fail as the server says', async () => {
    const missing = json({ error: { message: 'The model `m` does not exist.', code: 404 } }, 404)
    await assert.rejects(embed(missing), (error) => {
      assert.ok(isLmappError(error, 'model-not-found'))
      assert.deepEqual(error.details?.known, ['SmolLM2-135M-Instruct.Q4_1.gguf'])
      return true
    })
    await assert.rejects(embed(json({ data: [] })), failsWith('protocol-violation'))
    await assert.rejects(embed({ body: 'vectors' }), failsWith('protocol-violation'))
  })
})

describe('the type', () => {
  const create = (config: { url?: string; apiKeyEnv?: string; apiKeyFile?: string }, environment = {}): Backend =>
    openaiCompatibleBackendType.create({ id: 'box1', config, environment }, { timeouts: patient })

  it('needs an address, and one that is one', async () => {
    assert.throws(() => create({}), failsWith('config-invalid', /http:\/\/10\.0\.0\.5:8000\/v1/))
    const anonymous = { config: {}, environment: {} }
    const describe = openaiCompatibleBackendType.describeAddress
    assert.throws(
      () => openaiCompatibleBackendType.create(anonymous, { timeouts: patient }),
      failsWith('config-invalid'),
    )
    assert.equal(describe(anonymous), undefined)
    assert.equal(describe({ config: { url: 'http://box/v1' }, environment: {} }), 'http://box/v1')
    await using backend = create({ url: 'ftp://box/v1' })
    await assert.rejects(backend.start(), failsWith('config-invalid'))
  })

  it('sends the key of a file or a variable with every request, also when it asks for the version', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lmapp-test-'))
    try {
      const apiKeyFile = join(folder, 'key')
      await writeFile(apiKeyFile, 'from-file\n', { mode: 0o600 })
      for (const [config, key] of [
        [{ apiKeyEnv: 'KEY' }, 'Bearer from-env'],
        [{ apiKeyFile }, 'Bearer from-file'],
        [{}, undefined],
      ] as const) {
        await using replay = await openReplay({ 'GET /v1/models': vllmList() })
        await using backend = create({ url: `${replay.url}/v1`, ...config }, { KEY: 'from-env' })
        await backend.start()
        assert.deepEqual(
          replay.requests.map(({ route, headers }) => [route, headers.authorization]),
          [
            ['GET /v1/models', key],
            ['GET /version', key],
          ],
        )
      }
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it('has a factory that touches nothing', async () => {
    await using backend = createOpenAiCompatibleBackend({ url: 'http://127.0.0.1:1/v1', timeouts: patient })
    assert.ok(backend.chat)
  })
})

describe('an answer that was asked over one server and comes from another', () => {
  it('is only read after the new one was proved', async () => {
    let closing = false
    const routes: Routes = {
      'GET /v1/models': (response) => {
        response.setHeader('connection', 'keep-alive')
        response.end(listOf({ id: 'm' }).body)
      },
      'POST /v1/chat/completions': (response) => {
        if (closing) return response.end(events(delta({ content: 'Hi' }), delta({}, 'stop'), done).body)
        closing = true
        return response.socket?.resetAndDestroy()
      },
    }
    await using served = await serve(routes)
    const { transcript, error } = await tryChat(served.backend.chat({ model: 'm', messages: [user('Hi')] }))
    assert.equal(error, undefined)
    assert.equal(transcript.text, 'Hi')
    assert.deepEqual(
      served.replay.requests.map(({ route }) => route),
      ['GET /v1/models', 'POST /v1/chat/completions', 'GET /v1/models', 'POST /v1/chat/completions'],
    )
  })
})
