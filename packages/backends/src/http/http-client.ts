import http from 'node:http'
import https from 'node:https'
import type { Socket } from 'node:net'
import { urlToHttpOptions } from 'node:url'
import { LmappError } from 'lmapp-kit'
import type { ApiKeySource } from './api-key.ts'
import { exchange, type HttpRequest, type HttpResponse, type Target } from './http-exchange.ts'

export interface HttpClientOptions {
  /** Base address, `http:` or `https:`; request paths are put behind its path. */
  url: string
  /** Unix socket over which the server is reached; `url` then only says what its requests look like. */
  socketPath?: string
  /** Milliseconds for reaching the other side, name and handshake included. Nothing else is limited by it. */
  connectMs: number
  apiKey?: ApiKeySource
  /** What a user does when nothing answers there. */
  unreachableHint?: string
}

/** Requests to one server over kept connections, directly (never through a proxy), without any time limit of Node's. */
export interface HttpClient extends Disposable {
  /**
   * Resolves when the headers are there, whatever the status.
   * Throws `backend-unreachable`, `backend-not-identified` (it is lmapp itself), `engine-failed` (the connection broke
   * before the headers), `stalled` (see `silenceMs`) or `cancelled`.
   */
  request(request: HttpRequest): Promise<HttpResponse>
  /**
   * Changes when the last connection was closed: what was proved about the other side holds as long as this is the same.
   * A server that was replaced closed them all.
   */
  readonly epoch: number
}

/** Creating it checks nothing: an address that is none throws `config-invalid` at the first request. */
export function createHttpClient(options: HttpClientOptions): HttpClient {
  const connections = new Set<Socket>()
  let epoch = 0
  let target: Target | undefined

  const forget = (socket: Socket) => {
    if (connections.delete(socket) && connections.size === 0) epoch += 1
  }
  const currentEpoch = () => {
    // One that is broken says so by an event, which may be still to come.
    for (const socket of connections) if (socket.destroyed) forget(socket)
    return epoch
  }
  const track = (socket: Socket) => {
    if (connections.has(socket)) return
    connections.add(socket)
    socket.once('close', () => forget(socket))
  }

  return {
    async request(request) {
      target ??= toTarget(options.url)
      const asked = currentEpoch()
      const apiKey = await options.apiKey?.()
      return exchange(request, {
        target,
        track,
        isSameEpoch: () => currentEpoch() === asked,
        connectMs: options.connectMs,
        ...(options.socketPath !== undefined && { socketPath: options.socketPath }),
        ...(apiKey !== undefined && { apiKey }),
        ...(options.unreachableHint !== undefined && { unreachableHint: options.unreachableHint }),
      })
    },
    get epoch() {
      return currentEpoch()
    },
    [Symbol.dispose]() {
      target?.agent.destroy()
    },
  }
}

/** An agent of our own: no proxy, and no socket shared with others. */
function toTarget(text: string): Target {
  const url = parseBase(text)
  const isSecure = url.protocol === 'https:'
  const { protocol, hostname, port, auth } = urlToHttpOptions(url)
  return {
    host: url.host,
    isSecure,
    prefix: url.pathname.replace(/\/+$/, ''),
    address: { protocol, hostname, ...(port && { port }), ...(auth && { auth }) },
    agent: isSecure ? new https.Agent({ keepAlive: true }) : new http.Agent({ keepAlive: true }),
    start: isSecure ? https.request : http.request,
  }
}

function parseBase(text: string): URL {
  const url = URL.parse(text)
  if (url && (url.protocol === 'http:' || url.protocol === 'https:')) return url
  throw new LmappError('config-invalid', `"${text}" is no address of a server.`, {
    hint: 'It looks like http://127.0.0.1:11434. Correct it: lmapp config edit',
    details: { url: text },
  })
}
