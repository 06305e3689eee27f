import type { Agent, ClientRequest, IncomingMessage, RequestOptions } from 'node:http'
import type { Socket } from 'node:net'
import { isLmappError, LmappError } from 'lmapp-kit'
import { type IncomingBytes, readIncoming } from './read-incoming.ts'

export interface HttpRequest {
  method: 'GET' | 'HEAD' | 'POST' | 'DELETE'
  /** Begins with `/`. */
  path: string
  /** Sent as JSON. */
  body?: unknown
  signal?: AbortSignal
  /** Milliseconds without a byte from the other side after which it counts as `stalled`. Absent: wait for ever. */
  silenceMs?: number
  /**
   * Called before the request goes out over another connection, perhaps to another server: because a kept one had been
   * closed by the other side, or because an epoch ended between asking for it and sending it.
   */
  beforeRetry?: () => Promise<void>
}

export interface HttpResponse {
  status: number
  headers: IncomingMessage['headers']
  /** Broken off by a read that ends early; throws `engine-died` when the connection breaks, and as `request` does. */
  bytes(): AsyncIterable<Uint8Array>
  /** Throws `engine-failed` when the connection breaks, `stream-malformed` when it is longer than `maxBytes`. */
  text(options?: { maxBytes?: number }): Promise<string>
  /** Closes the connection, unless all was read or it was released. */
  close(): void
  /** Keeps the connection for the next request once the rest, which nobody needs, has come. */
  release(): void
}

/** A server, as far as its address says who it is. */
export interface Target {
  /** With its port, where that is not the usual one. */
  host: string
  isSecure: boolean
  /** Before the path of each request; without a slash at its end. */
  prefix: string
  /** As `request` of Node takes it. */
  address: RequestOptions
  agent: Agent
  start(options: RequestOptions): ClientRequest
}

export interface ExchangeOptions {
  target: Target
  /** A connection that is used. */
  track(socket: Socket): void
  /** Whether what was known of the other side when this was asked for still holds. */
  isSameEpoch(): boolean
  connectMs: number
  socketPath?: string
  apiKey?: string
  unreachableHint?: string
}

/** What is left of an answer after its last word is a few bytes: a connection where it does not come is not kept. */
const restMs = 1_000

/** Enough for a list of thousands of models or a large embedding. */
const defaultMaxTextBytes = 256 * 1024 * 1024

export async function exchange(request: HttpRequest, options: ExchangeOptions): Promise<HttpResponse> {
  for (let attempt = 1; ; attempt += 1) {
    const isProved = attempt > 1 || request.beforeRetry === undefined ? () => true : options.isSameEpoch
    const outcome = await attemptOnce(request, options, isProved)
    if ('response' in outcome) return outcome.response
    if (!outcome.stale || attempt > 1) throw outcome.error
    await request.beforeRetry?.()
  }
}

type Outcome = { response: HttpResponse } | { error: LmappError; stale: boolean }

/** Nothing is sent over a new connection unless `isProved` says so then. */
function attemptOnce(request: HttpRequest, options: ExchangeOptions, isProved: () => boolean): Promise<Outcome> {
  const { promise, resolve } = Promise.withResolvers<Outcome>()
  // As text, which Node sends in one piece with the headers.
  const body = request.body === undefined ? undefined : JSON.stringify(request.body)
  const { target } = options
  const outgoing = target.start({
    ...target.address,
    path: target.prefix + request.path,
    method: request.method,
    agent: target.agent,
    ...(options.socketPath !== undefined && { socketPath: options.socketPath }),
    headers: headersOf(body, options.apiKey),
  })
  const watch = createWatch(outgoing, request, options)
  outgoing.on('socket', (socket) => {
    watch.connecting(socket, () => {
      if (outgoing.reusedSocket || isProved()) {
        options.track(socket)
        outgoing.end(body)
        return
      }
      resolve({ error: unreachable(options, 'ECONNRESET'), stale: true })
      outgoing.destroy()
    })
  })
  outgoing.once('response', (incoming) => {
    const response = toResponse(incoming, outgoing, watch)
    if (incoming.headers['x-lmapp'] === undefined) return resolve({ response })
    response.close()
    resolve({ error: itself(options.target), stale: false })
  })
  // Stays: a broken response makes the request fail again, and nobody else listens.
  outgoing.on('error', (cause: NodeJS.ErrnoException) => {
    watch.stop()
    const closed = cause.code === 'ECONNRESET' || cause.code === 'EPIPE'
    const stale = outgoing.reusedSocket && closed && watch.reason === undefined
    resolve({ error: watch.reason ?? toError(cause, watch.connected, options), stale })
  })
  return promise
}

function headersOf(body: string | undefined, apiKey: string | undefined): Record<string, string | number> {
  return {
    accept: 'application/json, application/x-ndjson, text/plain',
    ...(body !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
    ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
  }
}

/** What can end an exchange from our side, and why it did. */
interface Watch {
  /** Calls `then` when it is connected, at once where it is a kept one. */
  connecting(socket: Socket, then: () => void): void
  readonly connected: boolean
  readonly reason: LmappError | undefined
  /** A byte came. */
  heard(): void
  stop(): void
}

function createWatch(outgoing: ClientRequest, request: HttpRequest, options: ExchangeOptions): Watch {
  const { signal, silenceMs } = request
  let connected = false
  let reason: LmappError | undefined
  let timer: NodeJS.Timeout | undefined

  const give = (error: LmappError) => {
    reason ??= error
    outgoing.destroy(reason)
  }
  const cancel = () => give(new LmappError('cancelled', 'The request was cancelled.', { cause: signal?.reason }))
  const within = (milliseconds: number, error: () => LmappError) => {
    clearTimeout(timer)
    timer = setTimeout(() => give(error()), milliseconds)
  }
  const heard = () => {
    clearTimeout(timer)
    if (silenceMs === undefined) return
    const { host } = options.target
    const message = `${host} has not said a word for ${silenceMs / 1000} s.`
    within(silenceMs, () => new LmappError('stalled', message, { details: { address: host, milliseconds: silenceMs } }))
  }

  if (signal?.aborted) process.nextTick(cancel)
  signal?.addEventListener('abort', cancel)
  return {
    connecting(socket, then) {
      const reached = () => {
        connected = true
        heard()
        then()
      }
      if (!socket.connecting) return reached()
      within(options.connectMs, () => unreachable(options, 'ETIMEDOUT'))
      socket.once(options.target.isSecure ? 'secureConnect' : 'connect', reached)
    },
    get connected() {
      return connected
    },
    get reason() {
      return reason
    },
    heard,
    stop() {
      clearTimeout(timer)
      signal?.removeEventListener('abort', cancel)
    },
  }
}

function toResponse(incoming: IncomingMessage, outgoing: ClientRequest, watch: Watch): HttpResponse {
  incoming.once('close', () => watch.stop())
  // Without a listener an abort between two reads would be an uncaught error; `bytes` gets it from the iterator.
  incoming.on('error', () => {})
  watch.heard()
  /** What is left of the answer comes by itself, and the connection is kept. */
  let released = false

  let reader: IncomingBytes | undefined
  const bytes = () => {
    reader = readIncoming(incoming, {
      heard: watch.heard,
      toError: (cause) =>
        watch.reason ?? new LmappError('engine-died', 'The connection broke in the middle of the answer.', { cause }),
    })
    return reader
  }

  return {
    status: incoming.statusCode ?? 0,
    headers: incoming.headers,
    bytes,
    async text({ maxBytes = defaultMaxTextBytes } = {}) {
      const chunks: Uint8Array[] = []
      let size = 0
      for await (const chunk of failingWhole(bytes())) {
        size += chunk.length
        chunks.push(chunk)
        if (size <= maxBytes) continue
        outgoing.destroy()
        throw new LmappError('stream-malformed', `The answer is longer than ${maxBytes} bytes.`, {
          details: { maxBytes },
        })
      }
      return Buffer.concat(chunks).toString('utf8')
    },
    close() {
      watch.stop()
      if (!released && !incoming.readableEnded) outgoing.destroy()
    },
    release() {
      released = true
      watch.stop()
      reader?.leave()
      incoming.resume()
      if (incoming.complete) return
      const timer = setTimeout(() => outgoing.destroy(), restMs).unref()
      incoming.once('close', () => clearTimeout(timer))
    },
  }
}

/** Of an answer that nobody has seen anything of before it is whole. */
async function* failingWhole(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* bytes
  } catch (error) {
    if (!isLmappError(error, 'engine-died')) throw error
    throw new LmappError('engine-failed', 'The connection broke before the answer was whole.', { cause: error })
  }
}

/** Errors of the system that mean that nobody is there. */
const unreachableCodes = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EHOSTDOWN',
  'ETIMEDOUT',
  'EADDRNOTAVAIL',
  'EACCES',
  'EPERM',
  // Of a Unix socket that is gone.
  'ENOENT',
])

function toError(cause: NodeJS.ErrnoException, connected: boolean, options: ExchangeOptions): LmappError {
  if (!connected || unreachableCodes.has(cause.code ?? '')) return unreachable(options, cause.code, cause)
  const { host } = options.target
  const details = { address: host, ...(cause.code && { reason: cause.code }) }
  if (cause.code?.startsWith('HPE_')) {
    return new LmappError('backend-not-identified', `What answers at ${host} does not speak HTTP.`, { details, cause })
  }
  return new LmappError('engine-failed', `${host} closed the connection without an answer.`, { details, cause })
}

function unreachable(options: ExchangeOptions, reason: string | undefined, cause?: unknown): LmappError {
  const { host } = options.target
  return new LmappError('backend-unreachable', `Nothing answers at ${host}${reason ? ` (${reason})` : ''}.`, {
    details: { address: host, ...(reason && { reason }) },
    ...(options.unreachableHint !== undefined && { hint: options.unreachableHint }),
    cause,
  })
}

function itself({ host }: Target): LmappError {
  return new LmappError('backend-not-identified', `What answers at ${host} is lmapp itself.`, {
    hint: 'Point it at the engine, not at lmapp; see: lmapp doctor',
    details: { address: host },
  })
}
