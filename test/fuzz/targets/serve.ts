import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { type Backend, type ChatRequest, isLmappError, type Part } from 'lmapp-kit'
import { rpcResponse } from 'lmapp-kit/schema'
import { type Incoming, parseMessage } from '../../../packages/kit/src/protocol/parse-message.ts'
import { type PluginServer, servePlugin } from '../../../packages/kit/src/serve/plugin-server.ts'
import type { Random } from '../../soak/random.ts'
import { readCorpus } from '../corpus.ts'
import { mutateJson, mutateText } from '../mutate.ts'
import { type Input, type OpenTarget, type Target, Wrong } from '../target.ts'

/**
 * The plugin's side of the kit, under a host that says mutated lines: each request is answered once, at the latest when it is
 * cancelled, or the line ends with a typed reason; then the backend is disposed.
 */
export const serve: Target = { name: 'serve', share: 0.18, open: openServe }

const hangMs = 3000

async function openServe(): Promise<OpenTarget> {
  const folder = await mkdtemp(join(tmpdir(), 'lmapp-fuzz-serve-'))
  const { fromHost } = readCorpus()
  return {
    create: (random) => createLines(random, fromHost),
    check: (input) => check(input, folder),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}

function createLines(random: Random, exchanges: readonly unknown[][]): Input {
  const said = random.oneOf(exchanges)
  return said.flatMap((message, index) => {
    const json = JSON.stringify(message)
    // Without its first line nothing else is looked at, so it stays as it is more often.
    if (index === 0 && random.below(5) > 0) return [json]
    return random.oneOf([
      () => [json],
      () => [json],
      () => [mutateJson(random, message)],
      () => [mutateJson(random, { ...(message as object), params: JSON.parse(JSON.stringify(paramsOf(message))) })],
      () => [mutateText(random, json)],
      () => [json, json],
      () => [],
    ])()
  })
}

function paramsOf(message: unknown): unknown {
  return (message as { params?: unknown }).params ?? {}
}

async function check(input: Input, folder: string): Promise<void> {
  const line = new PassThrough()
  const host = createHost()
  const fill = (text: string) => text.replaceAll('<exchangeDir>', folder).replaceAll('<dataDir>', folder)
  const backend = createBackend()
  let isOpened = false
  const open = () => {
    isOpened = true
    return backend
  }
  const server = servePlugin({ name: 'f', version: '1', open }, line, host.output)
  let isOver = false
  void server.closed.then(() => {
    isOver = true
  })
  for (const text of input) {
    if (isOver) break
    host.asked(fill(text))
    line.write(`${fill(text)}\n`)
    if (text.length % 3 === 0) await turn()
  }
  for (const id of host.open()) {
    if (isOver) break
    line.write(`${JSON.stringify({ jsonrpc: '2.0', method: 'cancel', params: { id } })}\n`)
  }
  await until(
    () => isOver || host.open().length === 0,
    () => `no answer to ${JSON.stringify(host.open())}`,
  )
  line.end()
  const broken = await end(server)
  assert.ok(broken === undefined || isLmappError(broken), String(broken))
  if (broken)
    assert.ok(broken.message.length < 1000 && JSON.stringify(broken.toData()).length < 3000, 'it says too much')
  assert.ok(backend.isDisposed() === isOpened, 'the backend was not disposed')
}

async function end(server: PluginServer): Promise<Awaited<PluginServer['closed']>> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Wrong('the server does not end')), hangMs)
  try {
    const broken = await Promise.race([server.closed, promise])
    await Promise.race([server[Symbol.asyncDispose](), promise])
    return broken
  } finally {
    clearTimeout(timer)
  }
}

async function until(isTrue: () => boolean, wrong: () => string): Promise<void> {
  const deadline = Date.now() + hangMs
  while (!isTrue()) {
    if (Date.now() > deadline) throw new Wrong(wrong())
    await turn()
  }
}

/** Knows which requests it has asked, and which are answered. */
function createHost() {
  const asked = new Map<unknown, number>()
  const answered = new Map<unknown, number>()
  const count = (counts: Map<unknown, number>, id: unknown) => counts.set(id, (counts.get(id) ?? 0) + 1)

  function hear(line: string): void {
    const message = parseMessage(line)
    if (message.kind === 'notification' || message.kind === 'request') return
    if (!rpcResponse.safeParse(JSON.parse(line)).success) throw new Wrong(`it answered ${line.slice(0, 300)}`)
    count(answered, message.id)
    if (Number(answered.get(message.id)) > Number(asked.get(message.id))) throw new Wrong(`it answered twice: ${line}`)
  }

  return {
    asked(text: string): void {
      for (const line of text.split('\n')) {
        const message = tryParse(line)
        if (message?.kind === 'request') count(asked, message.id)
      }
    },
    /** Two with one id cannot be told apart: that is the host's own fault. */
    open: () => [...asked].flatMap(([id, times]) => (times === 1 && !answered.has(id) ? [id] : [])),
    output: {
      write(text: string): boolean {
        for (const line of text.split('\n')) if (line !== '') hear(line)
        return true
      },
      drained: async () => {},
    },
  }
}

function tryParse(line: string): Incoming | undefined {
  try {
    return parseMessage(line)
  } catch {
    return undefined
  }
}

/** Answers everything, some of it without end. */
function createBackend(): Backend & { isDisposed(): boolean } {
  let disposed = false
  return {
    start: async () => {},
    stop: async () => {},
    isRunning: async () => ({ running: true, state: 'running', active: 0, queued: 0, models: [] }),
    listModels: async () => [{ id: 'echo' }],
    getInfo: async () => ({ name: 'f', version: '1', interfaceVersion: '1.0', capabilities: { chat: 'yes' } }),
    chat: (request, { signal } = {}) => talk(request, signal),
    embed: async ({ input }) => ({ vectors: input.map(() => Float32Array.of(1, 2)) }),
    countTokens: async ({ messages }) => ({ tokens: messages.length, exact: true }),
    async *pullModel() {
      yield { status: 'fetching', progress: { done: 1, total: 2, unit: 'steps' } }
      yield { status: 'done', done: true }
    },
    isDisposed: () => disposed,
    [Symbol.asyncDispose]: async () => {
      disposed = true
    },
  }
}

async function* talk({ model }: ChatRequest, signal: AbortSignal | undefined): AsyncGenerator<Part> {
  const most = model === 'count' ? 100_000 : 3
  let sent = 0
  for (; sent < most && !signal?.aborted; sent++) {
    yield { type: 'text-delta', text: `${sent} ` }
    if (sent % 100 === 0) await turn()
  }
  yield { type: 'finish', reason: signal?.aborted ? 'cancelled' : 'stop', usage: { outputTokens: sent } }
}
