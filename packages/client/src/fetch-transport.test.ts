import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { isLmappError } from 'lmapp-kit'
import { createClient, createFetchTransport, type LmappClient } from './index.ts'

async function startHttp(listener: RequestListener) {
  const server = createServer(listener)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  return {
    client: clientOf(`http://127.0.0.1:${port}/`),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

function clientOf(baseUrl: string, key = 'k1'): LmappClient {
  return createClient({ transport: createFetchTransport({ baseUrl, key }) })
}

test('a call goes out with the key and comes back as data', async () => {
  let seen: unknown
  await using http = await startHttp((request, response) => {
    seen = [request.method, request.url, request.headers.authorization]
    response.end('[]')
  })
  assert.deepEqual(await http.client.listModels({ backend: 'box 1' }), [])
  assert.deepEqual(seen, ['GET', '/lmapp/v1/models?backend=box%201', 'Bearer k1'])
})

test('events arrive as they are sent, characters that are split over chunks too', async () => {
  const bytes = Buffer.from('id: 1\ndata: {"type":"text-delta","text":"🙂"}\n\n')
  await using http = await startHttp((_, response) => {
    response.write(bytes.subarray(0, 38))
    setImmediate(() => {
      response.write(bytes.subarray(38, 40))
      setImmediate(() => {
        response.write(bytes.subarray(40))
        response.end('id: 2\ndata: {"type":"end","state":"complete"}\n\n')
      })
    })
  })
  const events = await Array.fromAsync(http.client.joinRun('r', { from: 0 }))
  assert.deepEqual(
    events.map(({ event }) => event.type === 'text-delta' && event.text),
    ['🙂', false],
  )
})

test('a connection that breaks in the middle is reported', async () => {
  await using http = await startHttp((_, response) => {
    response.write('id: 1\ndata: {"type":"text-delta","text":"a"}\n\n', () => response.destroy())
  })
  await assert.rejects(
    Array.fromAsync(http.client.joinRun('r')),
    (error) => isLmappError(error, 'service-unavailable') && error.details?.stage === 'stream',
  )
})

test('nobody there, or somebody else, is not the service', async () => {
  const unavailable = (error: unknown) => isLmappError(error, 'service-unavailable')
  await using http = await startHttp((_, response) => response.writeHead(502).end('<html>'))
  await assert.rejects(http.client.health(), unavailable)
  await assert.rejects(clientOf('http://127.0.0.1:1').health(), unavailable)
})

test('a redirect is not followed', async () => {
  await using http = await startHttp((_, response) => response.writeHead(302, { location: '/other' }).end())
  await assert.rejects(http.client.health(), (error) => isLmappError(error, 'service-unavailable'))
})

test('an answer without a body is none', async () => {
  await using http = await startHttp((_, response) => response.writeHead(204).end())
  await http.client.deleteConversation('c')
})

test('an aborted call rejects with the reason, also while a stream is read', async () => {
  const reason = new Error('enough')
  const controller = new AbortController()
  await using http = await startHttp((_, response) => {
    response.write('id: 1\ndata: {"type":"text-delta","text":"a"}\n\n')
  })
  await assert.rejects(http.client.health({ signal: AbortSignal.abort(reason) }), reason)
  await assert.rejects(async () => {
    for await (const _ of http.client.joinRun('r', { signal: controller.signal })) controller.abort(reason)
  }, reason)
})
