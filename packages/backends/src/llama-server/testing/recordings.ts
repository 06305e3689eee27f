import { readFileSync } from 'node:fs'
import { type Backend, type ErrorCode, isLmappError, type Message } from 'lmapp-kit'
import { type Answer, openReplay, type Routes } from '../../testing/replay-server.ts'
import { createLlamaServerBackend, type LlamaServerBackendOptions } from '../llama-server-backend.ts'

/** An exchange out of `fixtures/`, as the real engine gave it. */
export function recorded(name: string): Required<Answer> {
  const text = readFileSync(new URL(`../fixtures/${name}.json`, import.meta.url), 'utf8')
  return JSON.parse(text).response
}

/** The model of the recordings. */
export const model = 'SmolLM2-135M-Instruct.Q4_1'

/** What a llama-server with one model answers. */
export function singleRoutes(routes: Routes = {}): Routes {
  return {
    'GET /health': recorded('health'),
    'GET /props': recorded('props'),
    'GET /v1/models': recorded('models'),
    'POST /v1/embeddings': recorded('embed-off'),
    ...routes,
  }
}

/** What a router with the models `smol` and `broken` answers. */
export function routerRoutes(routes: Routes = {}): Routes {
  return {
    'GET /health': recorded('health'),
    'GET /props': recorded('router-props'),
    'GET /models': recorded('router-models-unloaded'),
    'GET /props?model=smol': recorded('router-model-props'),
    'GET /props?model=smol&autoload=false': recorded('router-model-props'),
    'GET /props?model=broken': recorded('router-load-failed'),
    ...routes,
  }
}

/** `/props` as recorded, with members changed. */
export function propsWith(changes: Record<string, unknown>): Answer {
  const { headers, body } = recorded('props')
  return { headers, body: JSON.stringify({ ...JSON.parse(body), ...changes }) }
}

/** Long enough that only what is meant to end early does. */
export const patient = { connectMs: 10_000, stallMs: 10_000, loadMs: 10_000 }

export function open({ url }: { url: string }, timeouts: Partial<LlamaServerBackendOptions['timeouts']> = {}): Backend {
  return createLlamaServerBackend({ urls: [url], timeouts: { ...patient, ...timeouts } })
}

export async function serve(routes: Routes, timeouts: Partial<LlamaServerBackendOptions['timeouts']> = {}) {
  const stack = new AsyncDisposableStack()
  const replay = stack.use(await openReplay(routes))
  const backend = stack.use(open(replay, timeouts))
  return { replay, backend, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

export function say(role: Message['role'], text: string): Message {
  return { role, content: [{ type: 'text', text }] }
}

export function failsWith(code: ErrorCode) {
  return (error: unknown) => isLmappError(error, code)
}

/** An event stream, for what no recording has. A text stands as it is. */
export function events(...messages: unknown[]): Required<Answer> {
  const data = messages.map((message) => (typeof message === 'string' ? message : JSON.stringify(message)))
  return {
    status: 200,
    headers: { 'content-type': 'text/event-stream', server: 'llama.cpp' },
    body: data.map((text) => `data: ${text}\n\n`).join(''),
  }
}

export function json(value: unknown, status = 200): Answer {
  return { status, headers: { 'content-type': 'application/json', server: 'llama.cpp' }, body: JSON.stringify(value) }
}

/** The events of a recording, as values. */
export function eventsOf({ body }: Answer): Record<string, unknown>[] {
  const lines = body.split('\n').filter((line) => line.startsWith('data: {'))
  return lines.map((line) => JSON.parse(line.slice('data: '.length)))
}
