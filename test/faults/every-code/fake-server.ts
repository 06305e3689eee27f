import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface FakeServer extends AsyncDisposable {
  url: string
  port: number
}

export type Handle = (request: IncomingMessage, response: ServerResponse) => unknown

/** On loopback. Disposing cuts every connection. */
export async function startServer(handle: Handle): Promise<FakeServer> {
  const server = createServer((request, response) => {
    response.on('error', () => {})
    handle(request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

export function sendJson(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}
