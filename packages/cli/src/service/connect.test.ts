import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { isLmappError } from 'lmapp-kit'
import { connect } from './connect.ts'
import { ensureServicePlaces, findPlaces } from './service-places.ts'
import { ensureToken } from './token.ts'

/** A service of another API version, as far as every version keeps it: it proves the token, tells its health, and stops. */
async function openOtherService(api: number, activeRuns: number[]) {
  const dir = await mkdtemp(join(tmpdir(), 'lmapp-connect-'))
  const environment = { ...process.env, HOME: dir, LMAPP_HOME: join(dir, 'h'), XDG_RUNTIME_DIR: dir, LMAPP_SERVICE: '' }
  const places = findPlaces(environment)
  ensureServicePlaces(places)
  const token = ensureToken(places.tokenFile)
  const asked: string[] = []
  const server = createServer((request, response) => {
    const nonce = String(request.headers['x-lmapp-auth']).split('.')[0]
    response.setHeader('x-lmapp-proof', createHmac('sha256', token).update(`service:${nonce}`).digest('hex'))
    response.setHeader('x-lmapp-api', api)
    asked.push(`${request.method} ${request.url}`)
    if (request.url === `/lmapp/v${api}/health`) {
      response.end(
        JSON.stringify({
          version: '9.9.9',
          pid: 4242,
          activeRuns: activeRuns.length > 1 ? activeRuns.shift() : activeRuns[0],
        }),
      )
    } else if (request.url === `/lmapp/v${api}/service/stop`) {
      response.writeHead(204).end()
      server.close()
    } else response.writeHead(404).end('{}')
  })
  await new Promise<void>((resolve) => server.listen(places.socket, resolve))
  return {
    environment,
    asked,
    async [Symbol.asyncDispose]() {
      if (server.listening) await new Promise((resolve) => server.close(resolve))
      await rm(dir, { recursive: true, force: true })
    },
  }
}

describe('a service of another version', () => {
  it('that is newer is left alone, and named', async () => {
    await using other = await openOtherService(2, [0])
    const { client } = await connect({ start: true, environment: other.environment })
    await assert.rejects(
      client.health(),
      (error) => isLmappError(error, 'service-version') && error.message.includes('9.9.9'),
    )
    assert.ok(!other.asked.some((call) => call.includes('stop')))
  })

  it('that is older and idle is replaced', async () => {
    await using other = await openOtherService(0, [0])
    const { client } = await connect({ start: true, environment: other.environment })
    const health = await client.health()
    assert.notEqual(health.pid, 4242)
    assert.ok(other.asked.includes('POST /lmapp/v0/service/stop'))
    await client.stopService()
  })

  it('that is older and busy is waited for, and named once', async () => {
    await using other = await openOtherService(0, [1, 1, 0])
    const notices: string[] = []
    const { client } = await connect({
      start: false,
      environment: other.environment,
      onNotice: (notice) => notices.push(notice),
    })
    await assert.rejects(client.health(), (error) => isLmappError(error, 'service-unavailable'))
    assert.equal(notices.length, 1)
    assert.match(notices[0] ?? '', /9\.9\.9 \(pid 4242\)/)
    assert.ok(other.asked.includes('POST /lmapp/v0/service/stop'))
  })
})
