import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export type Handler = (request: IncomingMessage, response: ServerResponse) => void

export interface LoopbackServer extends AsyncDisposable {
  url: string
  /** `METHOD /path`, with the range that was asked for. */
  requests: string[]
  /** Of the same requests. */
  headers: IncomingMessage['headers'][]
}

/** A server on loopback that notes what it is asked. */
export async function openServer(handler: Handler, host = '127.0.0.1'): Promise<LoopbackServer> {
  const requests: string[] = []
  const headers: IncomingMessage['headers'][] = []
  const server = createServer((request, response) => {
    const { range } = request.headers
    requests.push(`${request.method} ${request.url}${range === undefined ? '' : ` ${range}`}`)
    headers.push(request.headers)
    handler(request, response)
  })
  const listening = Promise.withResolvers<void>()
  server.listen(0, host, listening.resolve)
  await listening.promise
  const { port } = server.address() as AddressInfo
  return {
    url: `http://${host}:${port}`,
    requests,
    headers,
    async [Symbol.asyncDispose]() {
      const closed = Promise.withResolvers<void>()
      server.close(() => closed.resolve())
      server.closeAllConnections()
      await closed.promise
    },
  }
}

export interface HubOptions {
  files: Readonly<Record<string, Buffer>>
  /** Says something else about a file than what is true. */
  entry?: (path: string, entry: Record<string, unknown>) => Record<string, unknown>
  /** Answers a request in another way; `true` when it did. */
  instead?: (request: IncomingMessage, response: ServerResponse) => boolean
}

/** A hub that answers as Hugging Face does: the list of files, and files with ranges. */
export function openHub({
  files,
  entry = (_, real) => real,
  instead = () => false,
}: HubOptions): Promise<LoopbackServer> {
  return openServer((request, response) => {
    if (instead(request, response)) return
    const url = new URL(request.url ?? '', 'http://hub')
    if (url.pathname.startsWith('/api/')) {
      const list = Object.entries(files).map(([path, bytes]) => entry(path, toEntry(path, bytes)))
      response.end(JSON.stringify([{ type: 'directory', oid: '1', size: 0, path: 'folder' }, ...list]))
      return
    }
    const path = decodeURIComponent(url.pathname.split('/resolve/main/')[1] ?? '')
    const bytes = files[path]
    if (bytes) sendRange(request, response, bytes)
    else response.writeHead(404).end('Entry not found')
  })
}

export function sendRange(request: IncomingMessage, response: ServerResponse, bytes: Buffer): void {
  const [, start] = /^bytes=(\d+)-$/.exec(request.headers.range ?? '') ?? []
  if (start === undefined) {
    response.writeHead(200, { 'content-length': bytes.length }).end(bytes)
    return
  }
  const rest = bytes.subarray(Number(start))
  const range = `bytes ${start}-${bytes.length - 1}/${bytes.length}`
  response.writeHead(206, { 'content-length': rest.length, 'content-range': range }).end(rest)
}

function toEntry(path: string, bytes: Buffer): Record<string, unknown> {
  const lfs = { oid: sha256Of(bytes), size: bytes.length, pointerSize: 134 }
  return { type: 'file', oid: '2', size: bytes.length, path, lfs }
}

export function sha256Of(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
