import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Something on a Unix socket that answers every connection with the bytes a test says. */
export interface ByteService extends AsyncDisposable {
  socketPath: string
  /** The requests, as they came. */
  requests: string[]
}

export const token = 'the token of a test'

/** Answers one connection, whose request is given; the proof is the one that fits the request. */
export type Answer = (socket: Socket, proof: string, request: string) => void

export async function startByteService(answer: Answer): Promise<ByteService> {
  const folder = await mkdtemp(join(tmpdir(), 'lmapp-client-'))
  const socketPath = join(folder, 'service.sock')
  const requests: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('data', (bytes) => {
      const request = bytes.toString()
      requests.push(request)
      answer(socket, proofFor(request), request)
    })
  })
  await once(server.listen(socketPath), 'listening')
  return {
    socketPath,
    requests,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
      await rm(folder, { recursive: true })
    },
  }
}

/** A head of HTTP with the proof of a service that knows the token. */
export function head(proof: string, status = '200 OK', headers: string[] = []): string {
  return [`HTTP/1.1 ${status}`, `x-lmapp-proof: ${proof}`, ...headers, '', ''].join('\r\n')
}

function proofFor(request: string): string {
  const nonce = /^x-lmapp-auth: ([0-9a-f]+)\./m.exec(request)?.[1] ?? ''
  return createHmac('sha256', token).update(`service:${nonce}`).digest('hex')
}
