import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { LmappError } from 'lmapp-kit'
import type { Transport, TransportRequest, TransportResponse } from './client.ts'
import { readHttpResponse } from './http-response.ts'
import { type LostStage, unavailable } from './unavailable.ts'

export interface SocketTransportOptions {
  /** Path of the Unix socket, or name of the pipe (`\\.\pipe\…`); or what opens another way there. */
  socketPath: string | (() => Duplex)
  /** The secret that client and service share. It is never sent: both sides prove that they know it. */
  token: string
}

/**
 * Reaches the service of this user. Speaks HTTP/1.0 straight on the socket, one connection per request: loading
 * `node:http` alone would take a command longer than everything else it does.
 */
export function createSocketTransport({ socketPath, token }: SocketTransportOptions): Transport {
  return {
    async send(request) {
      request.signal?.throwIfAborted()
      const nonce = randomBytes(16).toString('hex')
      const chunks = exchange(
        socketPath,
        toHttp(request, `${nonce}.${prove(token, `client:${nonce}`)}`),
        request.signal,
      )
      try {
        const response = await readHttpResponse(chunks)
        assertService(response, prove(token, `service:${nonce}`))
        return response
      } catch (error) {
        await chunks.return(undefined)
        throw error
      }
    },
  }
}

function prove(token: string, text: string): string {
  return createHmac('sha256', token).update(text).digest('hex')
}

function toHttp({ method, path, headers, body = '' }: TransportRequest, auth: string): string {
  let head = `${method} ${path} HTTP/1.0\r\nhost: localhost\r\nx-lmapp-auth: ${auth}\r\n`
  for (const [name, value] of Object.entries(headers)) head += `${name}: ${value}\r\n`
  return `${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
}

/** Sends `message` on a new connection and yields what comes back. Leaving the loop closes the connection. */
async function* exchange(
  socketPath: string | (() => Duplex),
  message: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Buffer, void> {
  let stage: LostStage = typeof socketPath === 'string' ? 'connect' : 'answer'
  const socket: Duplex = typeof socketPath === 'string' ? connect(socketPath) : socketPath()
  const abort = () => socket.destroy()
  signal?.addEventListener('abort', abort)
  // The loop below reports errors; while nobody is in it, they must not end the process.
  socket.on('error', () => {})
  socket.once('connect', () => {
    stage = 'answer'
  })
  socket.write(message)
  try {
    for await (const chunk of socket) {
      stage = 'stream'
      yield chunk
    }
  } catch (cause) {
    signal?.throwIfAborted()
    throw unavailable(stage, { cause })
  } finally {
    signal?.removeEventListener('abort', abort)
    socket.destroy()
  }
  signal?.throwIfAborted()
}

/** Only a service that proved to know the token is believed, also in what it refuses. */
function assertService({ status, headers }: TransportResponse, expected: string): void {
  const proof = headers['x-lmapp-proof']
  if (proof === undefined && status === 401) {
    throw new LmappError('unauthorized', 'The service that listens there does not know the token of this user.', {
      hint: 'End the other service, then ask again; its place: lmapp paths',
    })
  }
  if (proof === undefined || !equal(proof, expected)) {
    throw unavailable('answer', { message: 'What listens on the socket of the service is not the service.' })
  }
}

function equal(left: string, right: string): boolean {
  const [a, b] = [Buffer.from(left), Buffer.from(right)]
  return a.length === b.length && timingSafeEqual(a, b)
}
