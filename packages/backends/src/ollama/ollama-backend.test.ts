import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { type ErrorCode, isLmappError } from 'lmapp-kit'
import { readChat } from 'lmapp-kit/testkit'
import { createProcessRecords } from '../processes/index.ts'
import { createOllamaType } from './index.ts'
import { open, patient, user } from './testing/open-backend.ts'
import { lines, ollamaRoutes, openReplay, type Routes, recorded, startOf } from './testing/replay-server.ts'

const model = 'smollm2:latest'
const digest = /"digest":"([0-9a-f]+)"/.exec(recorded('tags').body)?.[1]

/** Which starts none of its own. */
const type = createOllamaType({
  records: createProcessRecords({ dir: '/nowhere' }),
  environment: {},
  enabled: async () => false,
  homeDir: '/nowhere',
  platform: process.platform,
  storedModels: async () => [],
})

function failsWith(code: ErrorCode) {
  return (error: unknown) => isLmappError(error, code)
}

async function serve(routes: Routes) {
  const stack = new AsyncDisposableStack()
  const replay = stack.use(await openReplay(ollamaRoutes(routes)))
  const backend = stack.use(open(replay))
  return { replay, backend, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

describe('who answers', () => {
  it('is proved to be Ollama before use, once as long as a connection is open', async () => {
    await using served = await serve({})
    await served.backend.start()
    await served.backend.start()
    await served.backend.listModels()
    assert.deepEqual(
      served.replay.requests.map(({ route }) => route),
      ['GET /api/version', 'GET /', 'GET /api/ps', 'GET /api/tags'],
    )
    assert.equal((await served.backend.getInfo()).engineVersion, '0.0.0')
  })

  it('is proved again after the server was replaced', async () => {
    const first = await openReplay(ollamaRoutes())
    await using backend = open(first)
    await backend.start()
    await first.kill()
    await using second = await openReplay({ 'GET /api/version': { body: '{"version":"1"}' } }, first.port)
    await assert.rejects(backend.listModels(), failsWith('backend-not-identified'))
    assert.deepEqual(
      second.requests.map(({ route }) => route),
      ['GET /api/version', 'GET /'],
    )
  })

  for (const [name, routes] of Object.entries({
    'something that only knows the version': { 'GET /': { body: 'Hello' } },
    'something without a version': { 'GET /api/version': { body: '{"ok":true}' } },
    'something that answers everything with a page': { 'GET /api/version': { body: '<html>' } },
    'something that knows nothing': { 'GET /api/version': { status: 404, body: '' } },
    'lmapp itself': { 'GET /api/version': { ...recorded('version'), headers: { 'x-lmapp': '1' } } },
    'something that is no HTTP': {
      'GET /api/version': (response: { socket: { end(text: string): void } | null }) =>
        response.socket?.end('220 mail\r\n'),
    },
  } satisfies Record<string, Routes>)) {
    it(`is not Ollama: ${name}`, async () => {
      await using served = await serve(routes)
      await assert.rejects(served.backend.start(), failsWith('backend-not-identified'))
      const health = await served.backend.isRunning()
      assert.equal(health.state, 'failed')
      assert.ok(health.degraded)
    })
  }

  it('may refuse to say: the guard against foreign Host headers answers 403', async () => {
    await using served = await serve({ 'GET /api/version': { status: 403, body: '' } })
    await assert.rejects(served.backend.start(), failsWith('forbidden'))
  })

  it('is nobody: unreachable, with the command that starts it, and stopped for health', async () => {
    const gone = await openReplay({})
    await gone.kill()
    await using backend = open(gone)
    await assert.rejects(
      backend.start(),
      (error) => isLmappError(error, 'backend-unreachable') && error.hint.includes('ollama serve'),
    )
    assert.deepEqual(await backend.isRunning(), { running: false, state: 'stopped', active: 0, queued: 0, models: [] })
    assert.equal((await backend.getInfo()).engineVersion, undefined)
    await assert.rejects(readChat(backend.chat({ model, messages: [user('Hi')] })), failsWith('backend-unreachable'))
  })
})

describe('what takes the connection and says nothing', () => {
  it('is unreachable after connectMs, and has failed for health', async () => {
    for (const route of ['GET /api/version', 'GET /']) {
      await using replay = await openReplay(ollamaRoutes({ [route]: () => {} }))
      await using backend = open(replay, { connectMs: 20 })
      const isSilent = (error: unknown) => isLmappError(error, 'backend-unreachable') && error.hint.includes('doctor')
      await assert.rejects(backend.start(), isSilent)
      await assert.rejects(readChat(backend.chat({ model, messages: [user('Hi')] })), isSilent)
      const { state, degraded } = await backend.isRunning()
      assert.equal(state, 'failed')
      assert.match(degraded ?? '', /has not answered for 0\.02 s/)
    }
  })

  it('may take as long as it likes to load a model', async () => {
    await using replay = await openReplay(ollamaRoutes({ 'POST /api/chat': () => {} }))
    await using backend = open(replay, { connectMs: 200, stallMs: 200 })
    const abort = new AbortController()
    const reading = readChat(backend.chat({ model, messages: [user('Hi')] }, { signal: abort.signal }))
    await replay.seen('POST /api/chat')
    abort.abort()
    assert.equal((await reading).finishes[0]?.reason, 'cancelled')
  })
})

describe('health', () => {
  it('says what is loaded, also in the middle of a chat', async () => {
    await using served = await serve({
      'GET /api/ps': [recorded('ps-empty'), recorded('ps-loaded')],
      'POST /api/chat': startOf(recorded('chat'), 0.5),
    })
    for await (const part of served.backend.chat({ model, messages: [user('Hi')] })) {
      if (part.type !== 'text-delta') continue
      assert.deepEqual(await served.backend.isRunning(), {
        running: true,
        state: 'running',
        active: 1,
        queued: 0,
        models: [{ id: model, state: 'ready' }],
      })
      break
    }
  })

  it('shows the model that a chat waits for as loading', async () => {
    await using served = await serve({ 'POST /api/chat': () => {} })
    const abort = new AbortController()
    const reading = readChat(
      served.backend.chat({ model: 'smollm2', messages: [user('Hi')] }, { signal: abort.signal }),
    )
    await served.replay.seen('POST /api/chat')
    assert.deepEqual((await served.backend.isRunning()).models, [{ id: model, state: 'loading' }])
    abort.abort()
    await reading
  })

  it('is running where Ollama does not say what is loaded', async () => {
    await using served = await serve({ 'GET /api/ps': recorded('not-found') })
    const { running, models } = await served.backend.isRunning()
    assert.deepEqual([running, models], [true, []])
  })

  it('has failed when Ollama hangs, and rejects only when the caller gives up', async () => {
    await using replay = await openReplay({ 'GET /api/version': () => {} })
    await using hasty = open(replay, { stallMs: 20 })
    const health = await hasty.isRunning()
    assert.equal(health.state, 'failed')
    await using backend = open(replay)
    await assert.rejects(backend.isRunning({ signal: AbortSignal.abort() }), failsWith('cancelled'))
    await assert.rejects(backend.getInfo({ signal: AbortSignal.abort() }), failsWith('cancelled'))
  })
})

describe('models', () => {
  it('are listed with what Ollama says of them', async () => {
    await using served = await serve({ 'GET /api/ps': recorded('ps-loaded') })
    const [first, ...others] = await served.backend.listModels()
    assert.equal(others.length, 0)
    assert.ok(first)
    const { modifiedAt, ...rest } = first
    assert.ok(modifiedAt && !Number.isNaN(Date.parse(modifiedAt)))
    assert.deepEqual(rest, {
      id: model,
      sizeBytes: 98363007,
      quantization: 'Q4_1',
      parameters: '134.52M',
      family: 'llama',
      loaded: true,
      digest: `sha256:${digest}`,
    })
  })

  it('are shown with template, licence, context and capabilities', async () => {
    await using served = await serve({})
    const shown = await served.backend.showModel?.('smollm2')
    assert.equal(shown?.id, model)
    assert.equal(shown.contextLength, 8192)
    assert.equal(shown.license, 'apache-2.0')
    assert.ok(shown.template?.includes('<|im_start|>'))
    assert.equal(shown.digest, `sha256:${digest}`)
    assert.equal(shown.loaded, false)
    assert.deepEqual(shown.capabilities, {
      chat: 'yes',
      continue: 'unknown',
      tools: 'no',
      'json-schema': 'yes',
      vision: 'no',
      reasoning: 'no',
      embed: 'unknown',
      'count-tokens': 'no',
      load: 'yes',
      unload: 'yes',
    })
  })

  it('are read from newer versions too, which say more in the list, and from answers with less', async () => {
    const details = { context_length: 2048 }
    const models = [
      { name: 'embedder', digest: 'sha256:ab', modified_at: 'soon', details, capabilities: ['embedding'] },
      { size: 1 },
      'nonsense',
    ]
    await using served = await serve({
      'GET /api/tags': { body: JSON.stringify({ models }) },
      'GET /api/ps': { body: JSON.stringify({ models: [{}] }) },
      'POST /api/show': { body: JSON.stringify({ license: '\n  A licence of many words\nand lines' }) },
    })
    const [first, ...others] = await served.backend.listModels()
    assert.equal(others.length, 0)
    assert.equal(first?.id, 'embedder:latest')
    assert.equal(first.modifiedAt, 'soon')
    assert.equal(first.contextLength, 2048)
    assert.equal(first.digest, 'sha256:ab')
    assert.deepEqual([first.capabilities?.embed, first.capabilities?.chat], ['yes', 'no'])
    assert.equal((await served.backend.showModel?.('host:5000/other'))?.license, 'A licence of many words')
  })

  it('that are not there are named with those that are', async () => {
    await using served = await serve({
      'POST /api/show': recorded('show-missing'),
      'POST /api/embed': recorded('embed-missing'),
      'DELETE /api/delete': recorded('delete-missing'),
    })
    const { backend } = served
    const isMissing = (error: unknown) => {
      assert.ok(isLmappError(error, 'model-not-found'))
      assert.deepEqual(error.details?.known, [model])
      return true
    }
    await assert.rejects(async () => backend.showModel?.('nope'), isMissing)
    await assert.rejects(async () => backend.embed?.({ model: 'nope', input: ['a'] }), isMissing)
    await assert.rejects(async () => backend.removeModel?.('nope'), isMissing)
  })

  it('are loaded with the context that chats will ask for', async () => {
    await using served = await serve({ 'POST /api/chat': recorded('load') })
    await served.backend.loadModel?.('smollm2')
    const { body } = await served.replay.seen('POST /api/chat')
    assert.deepEqual(body, { model, messages: [], stream: false, options: { num_ctx: 4096 } })
  })

  it('are unloaded: it waits until they have gone', async () => {
    const served = await serve({
      'POST /api/chat': recorded('unload'),
      'GET /api/ps': [recorded('ps-loaded'), recorded('ps-empty')],
    })
    await using _ = served
    await served.backend.unloadModel?.('smollm2')
    const { body } = await served.replay.seen('POST /api/chat')
    assert.deepEqual(body, { model, messages: [], stream: false, keep_alive: 0 })
    assert.equal(served.replay.requests.filter(({ route }) => route === 'GET /api/ps').length, 2)
  })

  it('are removed', async () => {
    await using served = await serve({ 'DELETE /api/delete': recorded('delete') })
    await served.backend.removeModel?.('smollm2')
    assert.deepEqual((await served.replay.seen('DELETE /api/delete')).body, { model })
  })

  it('embed texts', async () => {
    await using served = await serve({ 'POST /api/embed': recorded('embed') })
    const input = ['The sea.', 'Bread.']
    const answer = await served.backend.embed?.({ model: 'smollm2', input })
    const raw = JSON.parse(recorded('embed').body)
    assert.deepEqual(
      answer?.vectors,
      raw.embeddings.map((vector: number[]) => Float32Array.from(vector)),
    )
    assert.equal(answer?.inputTokens, raw.prompt_eval_count)
    await assert.rejects(async () => served.backend.embed?.({ model, input: ['one'] }), failsWith('protocol-violation'))
  })

  it('cannot be had from an answer that is no JSON', async () => {
    await using served = await serve({ 'GET /api/tags': { body: 'models' } })
    await assert.rejects(served.backend.listModels(), failsWith('protocol-violation'))
  })
})

describe('pulling a model', () => {
  const pull = async (answer: Routes[string], name = 'tiny') => {
    await using served = await serve({ 'POST /api/pull': answer })
    assert.ok(served.backend.pullModel)
    return await Array.fromAsync(served.backend.pullModel(name))
  }

  it('reports each step with its bytes, and the last as done', async () => {
    const steps = await pull(recorded('pull'))
    const raw = recorded('pull')
      .body.trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    assert.deepEqual(
      steps.map(({ status }) => status),
      raw.map(({ status }) => status),
    )
    assert.deepEqual(steps.at(-1), { status: 'success', done: true })
    const progress = steps.flatMap((step) => (step.progress ? [step.progress] : []))
    assert.deepEqual(progress.at(0)?.unit, 'bytes')
    assert.ok(progress.some(({ done, total }) => done === 300_000 && total === 300_000))
    assert.equal(steps.filter(({ done }) => done).length, 1)
  })

  it('fails as Ollama says, though the status was 200', async () => {
    await assert.rejects(pull(recorded('pull-missing')), failsWith('model-not-found'))
    await assert.rejects(pull(lines({ error: 'dial tcp: no such host' })), failsWith('download-failed'))
    await assert.rejects(pull(lines({ error: 'write: no space left on device' })), failsWith('disk-full'))
    await assert.rejects(pull({ status: 400, body: '{"error":"invalid model name"}' }), failsWith('bad-input'))
  })

  it('failed when it ends without success', async () => {
    await assert.rejects(pull(lines({ status: 'pulling manifest' }, { total: 3 })), failsWith('download-failed'))
  })

  it('ends when it is aborted, and drops the connection', async () => {
    const { promise: dropped, resolve } = Promise.withResolvers<void>()
    await using served = await serve({
      'POST /api/pull': (response, request) => {
        response.once('close', resolve)
        startOf(recorded('pull'), 0.5)(response, request)
      },
    })
    const abort = new AbortController()
    await assert.rejects(async () => {
      for await (const _ of served.backend.pullModel?.('tiny', { signal: abort.signal }) ?? []) abort.abort()
    }, failsWith('cancelled'))
    await dropped
  })
})

describe('the type', () => {
  const definition = (config: { url?: string; apiKeyEnv?: string; apiKeyFile?: string }, environment = {}) => ({
    config,
    environment,
  })

  it('finds its address: configured, in OLLAMA_HOST, by default', () => {
    const { describeAddress } = type
    const environment = { OLLAMA_HOST: 'box:1' }
    assert.equal(describeAddress(definition({ url: 'http://other:2' }, environment)), 'http://other:2')
    assert.equal(describeAddress(definition({}, environment)), 'http://box:1')
    assert.equal(describeAddress(definition({})), 'http://127.0.0.1:11434')
  })

  it('sends the key of a file or a variable, and none when there is none', async () => {
    await using replay = await openReplay(ollamaRoutes())
    const folder = await mkdtemp(join(tmpdir(), 'lmapp-test-'))
    try {
      const apiKeyFile = join(folder, 'key')
      await writeFile(apiKeyFile, 'from-file\n', { mode: 0o600 })
      const given = [
        definition({ url: replay.url, apiKeyEnv: 'KEY' }, { KEY: 'from-env' }),
        definition({ url: replay.url, apiKeyFile }),
        definition({ url: replay.url }),
      ]
      for (const each of given) {
        await using backend = type.create(each, { timeouts: patient, logFile: '/nowhere/log' })
        await backend.start()
      }
      assert.deepEqual(
        replay.requests.filter(({ route }) => route === 'GET /').map(({ headers }) => headers.authorization),
        ['Bearer from-env', 'Bearer from-file', undefined],
      )
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it('refuses an address that is none, when it is used', async () => {
    await using backend = type.create(definition({ url: 'ftp://box' }), { timeouts: patient, logFile: '/nowhere/log' })
    await assert.rejects(backend.start(), failsWith('config-invalid'))
  })
})
