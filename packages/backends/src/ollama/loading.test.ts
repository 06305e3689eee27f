/** A cold model takes as long as it takes: nothing here ends it, and something is said meanwhile. */
import assert from 'node:assert/strict'
import { channel } from 'node:diagnostics_channel'
import type { Agent, ClientRequest } from 'node:http'
import { describe, it } from 'node:test'
import type { Status } from 'lmapp-kit'
import { readChat } from 'lmapp-kit/testkit'
import type { Handler } from '../testing/replay-server.ts'
import { createLoadLog, type LoadLogReader } from './load-log.ts'
import { createOllamaBackend } from './ollama-backend.ts'
import { finish, patient, user } from './testing/open-backend.ts'
import { type Answer, lines, ollamaRoutes, openReplay, recorded } from './testing/replay-server.ts'

const model = 'smollm2:latest'
const hello = { model, messages: [user('Say hello.')] }
const nobody = recorded('ps-empty')
const loaded = recorded('ps-loaded')

/** A pause that ends when the test says so. */
function openPauses() {
  const waits: number[] = []
  let next = Promise.withResolvers<void>()
  let waiting = Promise.withResolvers<void>()
  return {
    waits,
    async pause(milliseconds: number, signal: AbortSignal) {
      waits.push(milliseconds)
      const { promise, reject } = next
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
      waiting.resolve()
      await promise
    },
    /** Resolves when there is one. */
    begun: () => waiting.promise,
    end() {
      const { resolve } = next
      next = Promise.withResolvers()
      waiting = Promise.withResolvers()
      resolve()
    },
  }
}

interface Cold {
  /** What `/api/ps` says, look by look. */
  looks: (Answer | Handler)[]
  loadLog?: LoadLogReader
  /** Before that look, counted from 0. */
  before?: (look: number) => void
  /** Whether nothing is said, nor looked at again, after the last look. */
  isSilent?: boolean
}

/** The statuses of a chat whose headers come after all looks. */
async function chatCold({ looks, loadLog, before, isSilent }: Cold): Promise<{ statuses: Status[]; waits: number[] }> {
  const { promise: isLoaded, resolve: load } = Promise.withResolvers<void>()
  const answer: Handler = async (response) => {
    await isLoaded
    response.end(recorded('chat').body)
  }
  await using replay = await openReplay(ollamaRoutes({ 'GET /api/ps': [nobody, ...looks], 'POST /api/chat': answer }))
  const pauses = openPauses()
  await using backend = createOllamaBackend({
    ...{ url: replay.url, timeouts: patient, pause: pauses.pause },
    ...(loadLog && { loadLog }),
  })
  const { promise: isSaid, resolve: sayPrompt } = Promise.withResolvers<void>()
  const reading = readChat(backend.chat(hello), (_, part) => {
    if (part.type === 'status' && part.phase === 'prompt') sayPrompt()
  })
  for (const look of looks.keys()) {
    await pauses.begun()
    before?.(look)
    pauses.end()
    // The first one is asked for the context, before the chat is sent.
    await replay.seen('GET /api/ps', look + 2)
  }
  if (!isSilent) await Promise.race([isSaid, pauses.begun()])
  load()
  const { statuses } = await reading
  return { statuses: statuses.slice(1, -1), waits: pauses.waits }
}

describe('while a model loads', () => {
  it('says so at once, then when its memory is there, and nothing in between', async () => {
    const { statuses, waits } = await chatCold({ looks: [nobody, nobody, nobody, loaded, loaded, loaded] })
    assert.deepEqual(statuses, [
      { type: 'status', phase: 'loading', message: `loading ${model}` },
      { type: 'status', phase: 'loading', message: `loading ${model}: its memory is there` },
    ])
    assert.deepEqual(waits.slice(0, 4), [50, 250, 1000, 1000])
  })

  it('says of a model that is there that its prompt is read, and looks no more', async () => {
    const { statuses, waits } = await chatCold({ looks: [loaded] })
    assert.deepEqual(statuses, [{ type: 'status', phase: 'prompt' }])
    assert.deepEqual(waits, [50])
  })

  it('says nothing where Ollama does not say what it does', async () => {
    const { statuses, waits } = await chatCold({ looks: [recorded('not-found')], isSilent: true })
    assert.deepEqual([statuses, waits], [[], [50]])
  })

  it('tells of an Ollama of our own what its log says, and that it is there', async () => {
    const loadLog = createLoadLog()
    const said = [
      '',
      'level=DEBUG msg="model load progress 0.25"\n',
      'level=DEBUG msg="model load progress 0.7',
      '5"\n',
      '',
      'msg="model load progress 1.00"\n',
      'msg="llama runner started in 0.28 seconds"\n',
    ]
    const { statuses } = await chatCold({
      looks: said.map(() => nobody),
      loadLog,
      before: (look) => loadLog.read(said[look] ?? ''),
    })
    const loading = { type: 'status', phase: 'loading', message: `loading ${model}` }
    const progress = (done: number) => ({ ...loading, progress: { done, total: 100, unit: 'percent' } })
    assert.deepEqual(statuses, [
      loading,
      progress(25),
      progress(25),
      progress(75),
      loading,
      { type: 'status', phase: 'prompt' },
    ])
  })
})

/** With what its types leave out. */
type SentRequest = ClientRequest & { timeout?: number; agent?: Agent & { options: { timeout?: number } } }

describe('a load that takes a day', () => {
  it('is waited for: no limit of Node stands, and no clock of ours ends it', async (t) => {
    const { promise: isLoaded, resolve: load } = Promise.withResolvers<void>()
    const seen: SentRequest[] = []
    const created = channel('http.client.request.start')
    const see = (message: unknown) => seen.push((message as { request: SentRequest }).request)
    created.subscribe(see)
    t.after(() => created.unsubscribe(see))
    await using replay = await openReplay(
      ollamaRoutes({
        'POST /api/chat': async (response) => {
          await isLoaded
          response.end(recorded('chat').body)
        },
      }),
    )
    await using backend = createOllamaBackend({
      ...{ url: replay.url, timeouts: { connectMs: 3000, stallMs: 3000, loadMs: 3000 } },
      pause: (_, signal) => new Promise((_resolve, reject) => signal.addEventListener('abort', reject, { once: true })),
    })
    await backend.start()
    t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] })
    const reading = readChat(backend.chat(hello))
    await replay.seen('POST /api/chat')
    const request = seen.findLast(({ path }) => path === '/api/chat')
    assert.ok(request)
    assert.equal(request.timeout ?? 0, 0)
    assert.equal(request.socket?.timeout ?? 0, 0)
    assert.equal(request.agent?.options.timeout ?? 0, 0)
    for (let hour = 0; hour < 24; hour += 1) t.mock.timers.tick(3_600_000)
    t.mock.timers.reset()
    load()
    assert.equal(finish(await reading).reason, 'stop')
  })
})

describe('the log of a load', () => {
  it('is read whatever it holds', () => {
    const log = createLoadLog()
    const noise = [
      '',
      '\n\n',
      'x'.repeat(100_000),
      '\u0000\n',
      'model load progress 9.99\n',
      'Listening on 10.0.0.1:1 (version 1)\n',
    ]
    for (const text of noise) log.read(text)
    assert.deepEqual([log.percent, log.address, log.loads], [undefined, undefined, 0])
    assert.equal(log.heard, noise.join('').length)
  })

  it('says where Ollama listens, as the real one wrote it', () => {
    const log = createLoadLog()
    log.read('time=2026-11-22T20:07:23.461Z level=INFO source=routes.go:1718 msg="Listening on 127.0.0.1:422')
    assert.equal(log.address, undefined)
    log.read('13 (version 0.0.0)"\nmsg="Server listening on 127.0.0.1:37693"\n')
    assert.equal(log.address, '127.0.0.1:42213')
  })
})

describe('an answer for another model', () => {
  for (const [name, body] of Object.entries({
    'another one': { model: 'other:latest' },
    'another tag': { model: 'smollm2:1b' },
    'another one of the cloud': { model: 'other', remote_model: 'third' },
  })) {
    it(`is refused before its first word: ${name}`, async () => {
      await using replay = await openReplay(
        ollamaRoutes({ 'POST /api/chat': lines({ ...body, message: { content: 'Hi' } }) }),
      )
      await using backend = createOllamaBackend({ url: replay.url, timeouts: patient })
      const texts: string[] = []
      await assert.rejects(
        async () => {
          for await (const part of backend.chat(hello)) if (part.type === 'text-delta') texts.push(part.text)
        },
        { name: 'LmappError', code: 'wrong-model' },
      )
      assert.deepEqual(texts, [])
    })
  }

  for (const named of [
    'smollm2',
    'SmolLM2:latest',
    'library/smollm2',
    'registry.ollama.ai/library/smollm2:latest',
    '',
  ]) {
    it(`is not one that names itself "${named}"`, async () => {
      const end = { model: named, message: { content: 'Hi' }, done: true }
      await using replay = await openReplay(ollamaRoutes({ 'POST /api/chat': lines(end) }))
      await using backend = createOllamaBackend({ url: replay.url, timeouts: patient })
      assert.equal((await readChat(backend.chat(hello))).text, 'Hi')
    })
  }

  it('is not one of the cloud under the name that it has there', async () => {
    const end = { model: 'big', remote_model: 'big', message: { content: 'Hi' }, done: true }
    await using replay = await openReplay(ollamaRoutes({ 'POST /api/chat': lines(end) }))
    await using backend = createOllamaBackend({ url: replay.url, timeouts: patient })
    assert.equal((await readChat(backend.chat({ ...hello, model: 'big-cloud' }))).text, 'Hi')
  })

  it('is refused as an embedding too', async () => {
    const vectors = { body: JSON.stringify({ model: 'other', embeddings: [[1]] }) }
    await using replay = await openReplay(ollamaRoutes({ 'POST /api/embed': vectors }))
    await using backend = createOllamaBackend({ url: replay.url, timeouts: patient })
    await assert.rejects(backend.embed({ model, input: ['a'] }), { code: 'wrong-model' })
  })
})

describe('an Ollama that asks for patience', () => {
  it('says for how long, where it is too busy', async () => {
    for (const [status, code] of [
      [429, 'rate-limited'],
      [503, 'busy'],
    ] as const) {
      const busy = { status, headers: { 'retry-after': '7' }, body: '{"error":"server busy"}' }
      await using replay = await openReplay(ollamaRoutes({ 'POST /api/chat': busy }))
      await using backend = createOllamaBackend({ url: replay.url, timeouts: patient })
      await assert.rejects(readChat(backend.chat(hello)), (error: { code?: string; details?: unknown }) => {
        assert.equal(error.code, code)
        assert.deepEqual(error.details, { status, said: 'server busy', model, retryAfterMs: 7000 })
        return true
      })
    }
  })
})
