import { createClient, type TransportRequest } from 'lmapp-client'
import { type ErrorData, LmappError, type RunEvent, type RunSnapshot } from 'lmapp-kit'
import type { Connection } from '../context.ts'

/** What a request is answered with. */
export type Reply =
  | { json: unknown }
  | { error: ErrorData }
  | { run: string; feed: RunFeed }
  | { lines: readonly object[] }

export interface ScriptedRequest {
  /** As `POST /runs`, without the prefix; with the query. */
  route: string
  body: Record<string, unknown>
}

export interface ScriptedService {
  readonly requests: ScriptedRequest[]
  connect(options?: { start: boolean }): Promise<Connection>
  /** How often it was connected to. */
  readonly connections: number
}

/** A real client that talks to `answer` instead of a socket. */
export function createScriptedService(answer: (request: ScriptedRequest) => Reply | Promise<Reply>): ScriptedService {
  const requests: ScriptedRequest[] = []
  let connections = 0
  const send = async ({ method, path, body, signal }: TransportRequest) => {
    const request = { route: `${method} ${path.replace('/lmapp/v1', '')}`, body: JSON.parse(body ?? '{}') }
    requests.push(request)
    const reply = await answer(request)
    if ('run' in reply) return { status: 200, headers: { 'x-lmapp-run': reply.run }, body: reply.feed.read() }
    if ('lines' in reply) return { status: 200, headers: {}, body: toEvents(reply.lines, signal) }
    if ('error' in reply) return { status: 400, headers: {}, body: once({ error: reply.error }) }
    return { status: 200, headers: {}, body: once(reply.json) }
  }
  return {
    requests,
    get connections() {
      return connections
    },
    async connect() {
      connections++
      return { client: createClient({ transport: { send } }), close: async () => {} }
    },
  }
}

/** The events of a run, as the test lets them happen. */
export interface RunFeed {
  push(...events: (RunEvent | RunSnapshot)[]): RunFeed
  /** The connection breaks. */
  lose(): RunFeed
  read(): AsyncGenerator<string>
}

export function createRunFeed(firstSeq = 1): RunFeed {
  const waiting: (string | Error)[] = []
  let wake = () => {}
  let seq = firstSeq
  const feed: RunFeed = {
    push(...events) {
      for (const event of events) waiting.push(`id: ${seq++}\ndata: ${JSON.stringify(event)}\n\n`)
      wake()
      return feed
    },
    lose() {
      waiting.push(new LmappError('service-unavailable', 'The connection broke.', { details: { stage: 'stream' } }))
      wake()
      return feed
    },
    async *read() {
      for (;;) {
        const next = waiting.shift()
        if (next instanceof Error) throw next
        if (next !== undefined) yield next
        else
          await new Promise<void>((resolve) => {
            wake = resolve
          })
      }
    },
  }
  return feed
}

async function* once(value: unknown): AsyncGenerator<string> {
  yield JSON.stringify(value)
}

async function* toEvents(lines: readonly object[], signal: AbortSignal | undefined): AsyncGenerator<string> {
  for (const line of lines) yield `data: ${JSON.stringify(line)}\n\n`
  if (!signal) return
  signal.throwIfAborted()
  await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
}

export const start = { type: 'start', run: 'r1', conversation: 'c1', message: 'm1', model: 'box/tiny' } as const

export const text = (value: string) => ({ type: 'text-delta', text: value }) as const

export const complete = {
  type: 'end',
  state: 'complete',
  reason: 'stop',
  usage: { inputTokens: 9, outputTokens: 42 },
  timings: { totalMs: 2000, firstTokenMs: 200, generationMs: 1400 },
} as const
