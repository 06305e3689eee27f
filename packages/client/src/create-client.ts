import { type LmappError, parseErrorData } from 'lmapp-kit'
import { type ApiBackendLog, apiPrefix, type ForwardedEnvironment } from './api.ts'
import type { LmappClient, RequestOptions, Transport, TransportRequest, TransportResponse } from './client.ts'
import { readPullEvents, readRunEvents } from './run-events.ts'
import { unavailable } from './unavailable.ts'

export interface ClientOptions {
  transport: Transport
  /** Sent with every request; see `ForwardedEnvironment`. */
  environment?: ForwardedEnvironment
  headers?: Record<string, string>
}

/** Creates a client. Nothing is sent before the first call; every call is one request. */
export function createClient(options: ClientOptions): LmappClient {
  const { send, json, none } = createCalls(options)
  return {
    health: (request) => json('GET', '/health', request),
    stopService: (request) => none('POST', '/service/stop', request),

    async createRun(request, { signal } = {}) {
      const response = await send('POST', '/runs', { signal, body: request, events: true })
      const id = response.headers['x-lmapp-run']
      if (!id) throw unavailable('answer')
      return { id, events: readRunEvents(response.body) }
    },
    async *joinRun(id, { signal, from } = {}) {
      const response = await send('GET', `/runs/${encode(id)}/events${toQuery({ from })}`, { signal, events: true })
      yield* readRunEvents(response.body)
    },
    getRun: (id, request) => json('GET', `/runs/${encode(id)}`, request),
    listRuns: (request) => json('GET', '/runs', request),
    cancelRun: (id, request) => json('POST', `/runs/${encode(id)}/cancel`, request),

    listConversations: ({ signal, limit, before, tag, pinned } = {}) =>
      json('GET', `/conversations${toQuery({ limit, before, tag, pinned })}`, { signal }),
    getConversation: (id, { signal, branches } = {}) =>
      json('GET', `/conversations/${encode(id)}${toQuery({ branches })}`, { signal }),
    lastConversation: (terminal, request) => json('GET', `/terminals/${encode(terminal)}/conversation`, request),
    patchConversation: (id, patch, { signal } = {}) =>
      json('PATCH', `/conversations/${encode(id)}`, { signal, body: patch }),
    deleteConversation: (id, request) => none('DELETE', `/conversations/${encode(id)}`, request),
    forkConversation: (id, fork, { signal } = {}) =>
      json('POST', `/conversations/${encode(id)}/fork`, { signal, body: fork }),
    importConversations: (request, { signal } = {}) => json('POST', '/conversations/import', { signal, body: request }),
    pruneConversations: (request, { signal } = {}) => json('POST', '/conversations/prune', { signal, body: request }),
    vacuumHistory: (request) => json('POST', '/history/vacuum', request),
    search: (query, { signal, limit } = {}) => json('GET', `/search${toQuery({ q: query, limit })}`, { signal }),

    listModels: ({ signal, backend } = {}) => json('GET', `/models${toQuery({ backend })}`, { signal }),
    showModel: (ref, request) => json('GET', `/models/show${toQuery({ ref })}`, request),
    async *pullModel(request, { signal } = {}) {
      const response = await send('POST', '/models/pull', { signal, body: request, events: true })
      yield* readPullEvents(response.body)
    },
    removeModel: (ref, request) => json('DELETE', `/models${toQuery({ ref })}`, request),
    resolveModel: (ref, request) => json('GET', `/models/resolve${toQuery({ ref })}`, request),

    embed: (request, { signal } = {}) => json('POST', '/embed', { signal, body: request }),

    listBackends: (request) => json('GET', '/backends', request),
    showBackend: (name, request) => json('GET', `/backends/${encode(name)}`, request),
    startBackend: (name, request) => json('POST', `/backends/${encode(name)}/start`, request),
    stopBackend: (name, request) => json('POST', `/backends/${encode(name)}/stop`, request),
    async backendLogs(name, { signal, lines } = {}) {
      const { log } = await json<ApiBackendLog>('GET', `/backends/${encode(name)}/logs${toQuery({ lines })}`, {
        signal,
      })
      return log
    },

    listKeys: (request) => json('GET', '/keys', request),
    createKey: (request, { signal } = {}) => json('POST', '/keys', { signal, body: request }),
    revokeKey: (name, request) => json('DELETE', `/keys/${encode(name)}`, request),
  }
}

interface CallOptions {
  signal?: AbortSignal | undefined
  body?: object
  /** The answer is a stream of events. */
  events?: boolean
}

function createCalls(options: ClientOptions) {
  const common: Record<string, string> = { ...options.headers }
  if (options.environment && Object.keys(options.environment).length > 0) {
    common['x-lmapp-environment'] = toBase64(JSON.stringify(options.environment))
  }

  async function send(method: TransportRequest['method'], path: string, call: CallOptions): Promise<TransportResponse> {
    const headers = { ...common, accept: call.events ? 'text/event-stream' : 'application/json' }
    if (method === 'POST' || method === 'PATCH') Object.assign(headers, { 'content-type': 'application/json' })
    const response = await options.transport.send({
      method,
      path: apiPrefix + path,
      headers,
      ...(call.body && { body: JSON.stringify(call.body) }),
      ...(call.signal && { signal: call.signal }),
    })
    if (response.status >= 200 && response.status < 300) return response
    throw await readError(response)
  }

  async function json<T>(method: TransportRequest['method'], path: string, call: CallOptions = {}): Promise<T> {
    const response = await send(method, path, call)
    const text = await readText(response)
    try {
      return JSON.parse(text) as T
    } catch (cause) {
      throw unavailable('answer', { cause })
    }
  }

  async function none(
    method: TransportRequest['method'],
    path: string,
    { signal }: RequestOptions = {},
  ): Promise<void> {
    await readText(await send(method, path, { signal }))
  }

  return { send, json, none }
}

async function readError(response: TransportResponse): Promise<LmappError> {
  const text = await readText(response)
  try {
    const body = JSON.parse(text) as { error?: unknown }
    if (typeof body.error === 'object') return parseErrorData(body.error)
  } catch {
    // Not JSON: then it is not lmapp that answers there.
  }
  return unavailable('answer', { message: `What answers there is not lmapp: HTTP status ${response.status}.` })
}

async function readText(response: TransportResponse): Promise<string> {
  let text = ''
  for await (const chunk of response.body) text += chunk
  return text
}

const encode = encodeURIComponent

function toQuery(values: Record<string, string | number | boolean | undefined>): string {
  const pairs = Object.entries(values).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${encode(value)}`],
  )
  return pairs.length > 0 ? `?${pairs.join('&')}` : ''
}

function toBase64(text: string): string {
  let binary = ''
  for (const byte of new TextEncoder().encode(text)) binary += String.fromCharCode(byte)
  return btoa(binary)
}
