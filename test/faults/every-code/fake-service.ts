import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { dirname } from 'node:path'

export interface FakeServiceOptions {
  socket: string
  tokenFile: string
  /** Whether it can prove that it knows the token. */
  knowsToken: boolean
}

/** What listens where the service should: a service from another day, or somebody who only says so. */
export async function startFakeService({
  socket,
  tokenFile,
  knowsToken,
}: FakeServiceOptions): Promise<AsyncDisposable> {
  const token = 'a1'.repeat(32)
  for (const file of [socket, tokenFile]) await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  await writeFile(tokenFile, token, { mode: 0o600 })
  const server = createServer((request, response) => {
    const [nonce] = String(request.headers['x-lmapp-auth']).split('.')
    const proof = createHmac('sha256', knowsToken ? token : 'unknown')
      .update(`service:${nonce}`)
      .digest('hex')
    response.setHeader('x-lmapp-proof', proof).setHeader('x-lmapp-api', 99)
    response.end(JSON.stringify({ version: '99.0.0', pid: 4242, activeRuns: 0 }))
  })
  server.listen(socket)
  await once(server, 'listening')
  return {
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
