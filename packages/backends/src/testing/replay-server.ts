import { once } from 'node:events'
import { createServer, type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What a recording holds, or a test makes up for a fault. */
export interface Answer {
  status?: number
  headers?: OutgoingHttpHeaders
  body: string
}

export interface SeenRequest {
  route: string
  headers: IncomingMessage['headers']
  body: Record<string, unknown>
}

export type Handler = (response: ServerResponse, request: SeenRequest) => unknown
/** A list is given in turn, its last one for ever. */
export type Routes = Record<string, Answer | Handler | (Answer | Handler)[]>

export interface ReplayServer extends AsyncDisposable {
  url: string
  port: number
  requests: SeenRequest[]
  /** Resolves when so many requests of that route have come, with the last of them. */
  seen(route: string, count?: number): Promise<SeenRequest>
  /** Connections that are open. */
  connections(): number
  /** Ends it as a killed process ends. */
  kill(): Promise<void>
}

/** What a server says of a path that it does not know. */
const notFound: Answer = { status: 404, body: '404 page not found' }

/** A real server on loopback that sends what was recorded, cut at places where no one would cut. */
export async function openReplay(routes: Routes, port = 0): Promise<ReplayServer> {
  const requests: SeenRequest[] = []
  const turns = new Map<string, number>()
  const waiting = new Set<() => void>()

  const server = createServer(async (incoming, response) => {
    const route = `${incoming.method} ${incoming.url}`
    const request = { route, headers: incoming.headers, body: await readJson(incoming) }
    requests.push(request)
    for (const wake of waiting) wake()
    const chosen = routes[route] ?? notFound
    const turn = turns.get(route) ?? 0
    turns.set(route, turn + 1)
    const step = Array.isArray(chosen) ? (chosen[turn] ?? chosen.at(-1)) : chosen
    if (typeof step === 'function') return step(response, request)
    if (step) await sendInPieces(response, step)
  })
  server.on('error', () => {})
  await once(server.listen(port, '127.0.0.1'), 'listening')
  const address = server.address() as AddressInfo
  const sockets = new Set<unknown>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })

  const kill = async () => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    server.closeAllConnections()
    await closed
  }
  return {
    url: `http://127.0.0.1:${address.port}`,
    port: address.port,
    requests,
    connections: () => sockets.size,
    async seen(route, count = 1) {
      for (;;) {
        const found = requests.filter((request) => request.route === route)[count - 1]
        if (found) return found
        await new Promise<void>((resolve) => waiting.add(resolve))
      }
    },
    kill,
    async [Symbol.asyncDispose]() {
      if (server.listening) await kill()
    },
  }
}

/** Writes a recording up to its middle, so that a test can say what happens then. */
export function startOf({ status, headers, body }: Answer, fraction: number): Handler {
  return (response) => {
    response.writeHead(status ?? 200, headers)
    response.write(body.slice(0, Math.floor(body.length * fraction)))
  }
}

async function readJson(incoming: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk)
  return chunks.length === 0 ? {} : JSON.parse(Buffer.concat(chunks).toString())
}

/** Sizes with no common measure with lines, characters or each other. */
const pieceSizes = [1, 7, 2, 31, 13, 257]

async function sendInPieces(response: ServerResponse, { status = 200, headers, body }: Answer): Promise<void> {
  response.writeHead(status, headers)
  const bytes = Buffer.from(body)
  for (let at = 0, piece = 0; at < bytes.length && !response.destroyed; piece += 1) {
    const size = pieceSizes[piece % pieceSizes.length] ?? 1
    response.write(bytes.subarray(at, at + size))
    at += size
    await new Promise((resolve) => setImmediate(resolve))
  }
  response.end()
}
