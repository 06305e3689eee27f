import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createSubprocessBackend } from '@lmapp/backends/plugins'
import { type Backend, isLmappError, type Manifest, optionalMethods, requiredMethods } from 'lmapp-kit'
import * as schemas from 'lmapp-kit/schema'
import type { Random } from '../../soak/random.ts'
import { isAlive } from '../../support/home.ts'
import { readCorpus } from '../corpus.ts'
import { mutateJson, mutateText } from '../mutate.ts'
import { fromBytes, type Input, type OpenTarget, type Target, Wrong } from '../target.ts'

/**
 * The host, over a real process that answers with mutated lines. The first text is the method that is asked for, the rest is what
 * the process then writes. Whatever that is: the question ends with what the schema describes or with a typed error that
 * shows no more than 200 characters of it, and the process is gone when the backend was stopped.
 */
export const host: Target = { name: 'host', share: 0.4, lanes: 4, open: openHost }

const timeouts = {
  ...{ helloMs: 20_000, healthMs: 300, callMs: 300, workMs: 300, cancelMs: 300, exitMs: 300, terminateMs: 300 },
}
/** A chat has no deadline of its own. */
const patienceMs = 300
const hangMs = 20_000

/** Stands for the id of the request that the process answers. */
const itsId = 987654321

const request = { model: 'x', messages: [] }

const questions: Readonly<Record<string, (backend: Backend, signal: AbortSignal) => unknown>> = {
  chat: async (backend, signal) => {
    const parts = await Array.fromAsync(backend.chat(request, { signal }))
    for (const part of parts) assertFits(schemas.part, part)
    assert.equal(
      parts.findIndex(({ type }) => type === 'finish'),
      parts.length - 1,
      'the finish is the last part',
    )
  },
  list_models: async (backend) => assertFits(schemas.listModelsResult, { models: await backend.listModels() }),
  get_info: async (backend) => assertFits(schemas.backendInfo, await backend.getInfo()),
  is_running: async (backend) => assertFits(schemas.health, await backend.isRunning()),
  show_model: async (backend) => assertFits(schemas.modelInfo, await backend.showModel?.('x')),
  count_tokens: async (backend) => assertFits(schemas.tokenCount, await backend.countTokens?.(request)),
  embed: async (backend) => {
    const { vectors = [] } = (await backend.embed?.({ model: 'x', input: ['a'] })) ?? {}
    assert.ok(vectors.every((vector) => vector instanceof Float32Array))
  },
  pull_model: async (backend, signal) => {
    for await (const { done: _, ...step } of backend.pullModel?.('x', { signal }) ?? []) {
      assertFits(schemas.pullProgressParams, { id: 1, ...step })
    }
  },
  hello: (backend) => backend.start(),
  start: (backend) => backend.start(),
}

const info = { name: 'speaker', version: '1', interfaceVersion: '1.0', capabilities: { chat: 'yes', parallel: 4 } }

/** A right answer to each, from which the wrong ones are made. */
const samples: Readonly<Record<string, unknown>> = {
  list_models: {
    models: [
      { id: 'a', sizeBytes: 7, contextLength: 2048, capabilities: { chat: 'yes', parallel: 2 } },
      { id: 'b', loaded: true, license: 'MIT' },
    ],
  },
  get_info: { ...info, engineVersion: '1', description: 'x' },
  is_running: {
    running: true,
    state: 'running',
    active: 1,
    queued: 0,
    models: [{ id: 'a', state: 'loading', progress: 0.5 }],
  },
  show_model: { id: 'a', template: 'x', capabilities: { tools: 'no' } },
  count_tokens: { tokens: 3, exact: true },
  embed: { vectors: ['AACAPwAAAEA='], dimensions: 2, inputTokens: 1 },
  hello: { interfaceVersion: '1.0', nonce: '<nonce>', info },
  start: null,
}

async function openHost(): Promise<OpenTarget> {
  const folder = await mkdtemp(join(tmpdir(), 'lmapp-fuzz-host-'))
  const { fromPlugin } = readCorpus()
  let count = 0

  function start(script: Input, more: object = {}): Started {
    const pids = new Set<number>()
    const backend = createSubprocessBackend({
      manifest,
      directory: fileURLToPath(new URL('../fixtures', import.meta.url)),
      config: { script },
      secrets: {},
      dataDir: join(folder, String(count++)),
      logFile: join(folder, 'log'),
      environment: process.env,
      timeouts: { ...timeouts, ...more },
      waitForRestart: async () => {},
      records: { add: async ({ pid }) => void pids.add(pid), remove: async () => {}, reap: async () => [] },
    })
    return { backend, pids }
  }

  const kept = start([])
  return {
    create: (random) => createInput(random, fromPlugin),
    async check(input) {
      const method = input[0]?.replace('!', '') ?? ''
      const ask = questions[method]
      if (!ask) return
      if (method === 'hello' || method === 'start') {
        const once = start(input, { helloMs: 2000 })
        await settle(method, () => ask(once.backend, new AbortController().signal))
        await end(once)
        return
      }
      if (!(await isPrepared(kept.backend, input))) return
      await settle(method, () => ask(kept.backend, AbortSignal.timeout(patienceMs)))
      // What is unfinished would be the beginning of its next answer.
      if (!input.at(-1)?.endsWith('\n')) await end(kept)
    },
    async [Symbol.asyncDispose]() {
      await end(kept)
      await rm(folder, { recursive: true, force: true })
    },
  }
}

interface Started {
  backend: Backend
  /** Of every process that it ever had. */
  pids: Set<number>
}

/** Of everything that was started, nothing is left. */
async function end({ backend, pids }: Started): Promise<void> {
  await within('stop', backend.stop())
  const deadline = Date.now() + 5000
  while ([...pids].some(isAlive) && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 5))
  const left = [...pids].filter(isAlive)
  pids.clear()
  if (left.length > 0) throw new Wrong(`${left.length} processes are left`)
}

const manifest: Manifest = {
  name: 'speaker',
  version: '1',
  language: 'node',
  interface_version: '1.0',
  methods: [...requiredMethods, ...optionalMethods],
  execution: 'subprocess',
  command: ['node', 'speaker.mjs'],
}

function createInput(random: Random, exchanges: readonly unknown[][]): Input {
  const method = random.below(2) === 0 ? 'chat' : random.oneOf(Object.keys(questions))
  const right = toAnswers(random, method, exchanges)
  const lines = right.flatMap((message) => {
    const json = JSON.stringify(message)
    return random.oneOf([
      () => [json],
      () => [json],
      () => [mutateJson(random, message)],
      () => [mutateText(random, json)],
      () => [json, json],
      () => [],
    ])()
  })
  const ordered = random.below(8) === 0 ? random.shuffled(lines) : lines
  let bytes = fromBytes(Buffer.from(ordered.map((line) => `${line}\n`).join('')))
  if (random.below(8) === 0) bytes = mutateText(random, bytes)
  const pieces = random.below(3) === 0 ? cut(random, bytes) : [bytes]
  if (random.below(150) === 0) pieces.push('*9000000*x')
  return [random.below(10) === 0 ? `${method}!` : method, ...pieces]
}

function toAnswers(random: Random, method: string, exchanges: readonly unknown[][]): unknown[] {
  if (method !== 'chat' && method !== 'pull_model') {
    return [{ jsonrpc: '2.0', id: itsId, result: structuredClone(samples[method]) }]
  }
  const about = method === 'chat' ? '"parts"' : '"pull_progress"'
  const said = random.oneOf(exchanges.filter((messages) => JSON.stringify(messages).includes(about)))
  const ids = said.map(idOf)
  const its = random.oneOf(ids.filter((_, index) => JSON.stringify(said[index]).includes(about)))
  return said.filter((_, index) => ids[index] === its).map(withItsId)
}

type Message = { id?: unknown; params?: { id?: unknown } }

function idOf(message: unknown): unknown {
  const { id, params } = message as Message
  return id ?? params?.id
}

function withItsId(message: unknown): unknown {
  const { id, params } = message as Message
  return {
    ...(message as Message),
    ...(id !== undefined && { id: itsId }),
    ...(params && { params: { ...params, id: itsId } }),
  }
}

function cut(random: Random, bytes: string): string[] {
  const pieces: string[] = []
  for (let at = 0; at < bytes.length; ) {
    const size = 1 + random.below(200)
    pieces.push(bytes.slice(at, at + size))
    at += size
  }
  return pieces
}

/** Tells the process what to write. False when it died before: of what the input before left behind. */
async function isPrepared(backend: Backend, input: Input): Promise<boolean> {
  for (let tries = 0; tries < 3; tries++) {
    try {
      await within('load_model', backend.loadModel?.(JSON.stringify(input)))
      return true
    } catch (error) {
      assertTyped(error)
    }
  }
  return false
}

async function settle(method: string, ask: () => unknown): Promise<void> {
  try {
    await within(method, ask())
  } catch (error) {
    assertTyped(error)
  }
}

async function within(what: string, work: unknown): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Wrong(`${what} hangs`)), hangMs)
  try {
    await Promise.race([work, promise])
  } finally {
    clearTimeout(timer)
  }
}

function assertTyped(error: unknown): void {
  if (!isLmappError(error)) throw error
  const data = error.toData()
  assertFits(schemas.errorData, JSON.parse(JSON.stringify(data)))
  for (const name of ['line', 'received']) {
    const shown = data.details?.[name]
    // A plugin's own details are its own affair.
    if (data.code !== 'protocol-violation' || typeof shown !== 'string') continue
    assert.ok(shown.length <= 200, `${name} has ${shown.length} characters`)
  }
}

function assertFits(schema: { safeParse(value: unknown): { success: boolean; error?: Error } }, value: unknown): void {
  const { success, error } = schema.safeParse(value)
  if (!success) throw new Wrong(`it let through ${JSON.stringify(value)?.slice(0, 300)}: ${error?.message}`)
}
