import type { ServerOptions as HttpOptions, Server, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { LmappError } from 'lmapp-kit'
import { createConversationKeeper } from './answer/conversation-keeper.ts'
import type { ServerApp } from './app.ts'
import { type Door, handleRequest } from './handle-request.ts'
import { createBodyRooms } from './http/body-room.ts'
import { toBody } from './http/reply.ts'
import { listenOnSocket, listenOnTcp } from './listen.ts'
import { createResponseStore } from './openai/responses/response-store.ts'

export interface ServerOptions {
  /** How often an event stream carries a comment. Default 15 s. */
  heartbeatMs?: number
  /** How long `close` waits for answers before it cuts them. Default 2 s. */
  closeGraceMs?: number
  /** How much long bodies may take in memory together. Default 256 MiB. */
  mostBodyBytes?: number
  /** How many connections TCP takes at a time. Default 4096: whoever opens more shall not take all files that lmapp may open. */
  mostConnections?: number
}

/** The HTTP application. Disposing is `close`. */
export interface LmappServer extends AsyncDisposable {
  /** Serves this user's fronts. Throws `path-unusable`; `service-unavailable` when something answers there. */
  listenSocket(path: string): Promise<void>
  /** Serves a front in the same process over a pair of streams, as if it had come by the socket. */
  acceptOwner(stream: Duplex): void
  /**
   * Serves programs on this machine and returns the address as a URL; port 0 is any free one. `outside`: the address may be
   * one that other machines reach. Throws `bad-input`, `port-in-use`.
   */
  listenTcp(host: string, port: number, options?: { outside?: boolean }): Promise<string>
  /** Requests that are being answered now, streams included. */
  readonly activeRequests: number
  /**
   * Takes no more requests; resolves when those that are there were answered. End the runs first: their streams end
   * with them.
   */
  close(): Promise<void>
}

const httpOptions: HttpOptions = {
  noDelay: true,
  /** The environment header may have 64 KiB in base64; and there are others. */
  maxHeaderSize: 128 * 1024,
  /** A missing one is refused like a foreign one, by `assertLocalRequest`. */
  requireHostHeader: false,
}

export function createServer(app: ServerApp, options: ServerOptions = {}): LmappServer {
  const { heartbeatMs = 15_000, closeGraceMs = 2_000, mostBodyBytes, mostConnections = 4096 } = options
  const servers = new Set<Server>()
  /** Never listens: it only takes the streams that are handed in. */
  let inside: Server | undefined
  const streams = new Set<Duplex>()
  const keeper = createConversationKeeper(app.store)
  const responses = createResponseStore()
  const rooms = createBodyRooms(mostBodyBytes)
  let activeRequests = 0
  let closing: Promise<void> | undefined

  /** `import` of `node:http` would load a WebSocket client along, at twice the price of a bare Node. */
  const http = process.getBuiltinModule('node:http')

  function open(door: Door): Server {
    const answers = new WeakMap<Duplex, ServerResponse>()
    const server = http.createServer(httpOptions, (request, response) => {
      answers.set(request.socket, response)
      activeRequests += 1
      app.onActivity?.()
      response.once('close', () => {
        activeRequests -= 1
        app.onActivity?.()
        if (closing) server.closeIdleConnections()
      })
      void handleRequest(app, door, { heartbeatMs, keeper, responses, rooms }, { request, response })
    })
    server.on('clientError', (error, socket) => {
      const answer = answers.get(socket)
      // What follows a request that is being answered is no part of the answer.
      if (answer?.headersSent && !answer.writableFinished) socket.destroy()
      else refuseUnreadable(app.version, error, socket)
    })
    return server
  }

  async function closeAll(): Promise<void> {
    const cut = setTimeout(() => {
      for (const server of servers) server.closeAllConnections()
      for (const stream of streams) stream.destroy()
    }, closeGraceMs)
    inside?.closeIdleConnections()
    await Promise.all([...[...servers].map(close), ...[...streams].map(closed)])
    clearTimeout(cut)
  }

  return {
    async listenSocket(path) {
      const server = open('socket')
      await listenOnSocket(server, path)
      servers.add(server)
    },
    async listenTcp(host, port, { outside = false } = {}) {
      const server = open('tcp')
      server.maxConnections = mostConnections
      const address = await listenOnTcp(server, { host, port, outside })
      servers.add(server)
      return address
    },
    acceptOwner(stream) {
      inside ??= open('socket')
      streams.add(stream)
      stream.once('close', () => streams.delete(stream))
      inside.emit('connection', stream)
    },
    get activeRequests() {
      return activeRequests
    },
    close() {
      closing ??= closeAll()
      return closing
    },
    [Symbol.asyncDispose]() {
      return this.close()
    },
  }
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()))
}

function closed(stream: Duplex): Promise<void> {
  return new Promise((resolve) => stream.once('close', resolve))
}

/** What is no HTTP, has too long a head, or was not sent to its end in time. */
function refuseUnreadable(version: string, cause: Error, socket: Duplex): void {
  if (!socket.writable) {
    socket.destroy()
    return
  }
  const { status, message } = toUnreadable(cause)
  const body = JSON.stringify(toBody(new LmappError('bad-input', message, { hint: 'Correct the request', cause })))
  socket.end(
    `HTTP/1.1 ${status}\r\nx-lmapp: ${version}\r\ncontent-type: application/json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  )
}

function toUnreadable(cause: Error): { status: string; message: string } {
  switch ('code' in cause && cause.code) {
    case 'HPE_HEADER_OVERFLOW':
      return { status: '431 Request Header Fields Too Large', message: 'The head of the request is too long.' }
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return { status: '408 Request Timeout', message: 'The request was not sent to its end in time.' }
    default:
      return { status: '400 Bad Request', message: 'The request is not valid HTTP.' }
  }
}
