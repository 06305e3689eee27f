import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { isLmappError } from 'lmapp-kit'
import { createClient } from './create-client.ts'
import { createSocketTransport } from './node.ts'
import { type Answer, head, startByteService, token } from './testing/byte-service.ts'

const health = '{"version":"1.2.3","note":"ünï 🙂"}'

async function askHealth(answer: Answer, ownToken = token): Promise<unknown> {
  await using service = await startByteService(answer)
  const client = createClient({ transport: createSocketTransport({ socketPath: service.socketPath, token: ownToken }) })
  return await client.health()
}

test('a request names what it wants, proves the token and never sends it', async () => {
  await using service = await startByteService((socket, proof) => socket.end(head(proof, '202 Accepted') + health))
  const transport = createSocketTransport({ socketPath: service.socketPath, token })
  const client = createClient({ transport, environment: { KEY: 'sécret' }, headers: { 'x-more': '1' } })
  await client.patchConversation('a b', { title: 'ü' })
  const [request = ''] = service.requests
  assert.match(request, /^PATCH \/lmapp\/v1\/conversations\/a%20b HTTP\/1\.0\r\n/)
  assert.match(request, /\r\nx-lmapp-auth: [0-9a-f]{32}\.[0-9a-f]{64}\r\n/)
  assert.match(request, /\r\ncontent-type: application\/json\r\n/)
  assert.match(request, /\r\nx-more: 1\r\n/)
  assert.match(request, /\r\ncontent-length: 14\r\n\r\n\{"title":"ü"\}$/)
  assert.ok(!request.includes(token))
  const environment = /x-lmapp-environment: (.*)\r\n/.exec(request)?.[1] ?? ''
  assert.deepEqual(JSON.parse(Buffer.from(environment, 'base64').toString()), { KEY: 'sécret' })
})

test('an answer is whole however its bytes are cut, within a character too', async () => {
  const text = JSON.parse(health)
  const length = Buffer.byteLength(health)
  for (const cut of [1, 20, 110, -1, -3, -4]) {
    const answered = await askHealth((socket, proof) => {
      const bytes = Buffer.from(head(proof, '200 OK', [`content-length: ${length}`]) + health)
      socket.write(bytes.subarray(0, cut))
      setImmediate(() => socket.write(bytes.subarray(cut)))
    })
    assert.deepEqual(answered, text, `cut at ${cut}`)
  }
})

test('who cannot prove the token is not the service', async () => {
  const wrong = 'f'.repeat(64)
  const notTheService = (error: unknown) => isLmappError(error, 'service-unavailable') && isStage(error, 'answer')
  await assert.rejects(
    askHealth((socket) => socket.end(head(wrong) + health)),
    notTheService,
  )
  await assert.rejects(
    askHealth((socket) => socket.end(head('é'.repeat(64)) + health)),
    notTheService,
  )
  await assert.rejects(
    askHealth((socket) => socket.end(`HTTP/1.1 200 OK\r\n\r\n${health}`)),
    notTheService,
  )
  await assert.rejects(
    askHealth((socket, proof) => socket.end(head(proof) + health), 'another token'),
    notTheService,
  )
})

test('a service that does not know the token is named so, without believing what it says', async () => {
  await assert.rejects(
    askHealth((socket) => socket.end('HTTP/1.1 401 Unauthorized\r\n\r\n{"error":{"code":"disk-full","message":"x"}}')),
    (error) => isLmappError(error, 'unauthorized'),
  )
})

test('nobody there: nothing was sent', async () => {
  const client = createClient({ transport: createSocketTransport({ socketPath: join('/nowhere', 'x.sock'), token }) })
  await assert.rejects(
    client.health(),
    (error) => isLmappError(error, 'service-unavailable') && isStage(error, 'connect'),
  )
})

test('a connection that breaks before the answer, or within it, is reported as such', async () => {
  const lost = (stage: string) => (error: unknown) =>
    isLmappError(error, 'service-unavailable') && isStage(error, stage)
  await assert.rejects(
    askHealth((socket) => socket.end()),
    lost('answer'),
  )
  await assert.rejects(
    askHealth((socket) => socket.end('HTTP/1.1 20')),
    lost('answer'),
  )
  await assert.rejects(
    askHealth((socket) => socket.end('SSH-2.0-OpenSSH\r\n\r\n')),
    lost('answer'),
  )
  await assert.rejects(
    askHealth((socket) => socket.end(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(70_000)}`)),
    lost('answer'),
  )
  await assert.rejects(
    askHealth((socket, proof) => socket.end(head(proof, '200 OK', ['content-length: 99']) + health)),
    lost('stream'),
  )
  await assert.rejects(
    askHealth((socket, proof) => socket.end(`${head(proof)}{"version":`)),
    lost('answer'),
  )
})

test('an error of the service keeps its code, hint and details', async () => {
  const error = { code: 'model-not-found', message: 'No.', hint: 'Try b', details: { nearest: ['b'] } }
  await assert.rejects(
    askHealth((socket, proof) => socket.end(head(proof, '404 Not Found') + JSON.stringify({ error }))),
    (thrown) => isLmappError(thrown, 'model-not-found') && thrown.hint === 'Try b' && thrown.details !== undefined,
  )
})

test('an aborted call rejects with the reason, before and while it waits', async () => {
  const reason = new Error('enough')
  await using service = await startByteService(() => controller.abort(reason))
  const transport = createSocketTransport({ socketPath: service.socketPath, token })
  const client = createClient({ transport })
  const controller = new AbortController()
  await assert.rejects(client.health({ signal: controller.signal }), reason)
  await assert.rejects(client.health({ signal: AbortSignal.abort(reason) }), reason)
})

test('leaving a stream closes its connection', async () => {
  const closed = Promise.withResolvers<void>()
  await using service = await startByteService((socket, proof) => {
    socket.once('close', () => closed.resolve())
    socket.write(`${head(proof, '200 OK', ['x-lmapp-run: r'])}id: 1\ndata: {"type":"text-delta","text":"a"}\n\n`)
  })
  const client = createClient({ transport: createSocketTransport({ socketPath: service.socketPath, token }) })
  const run = await client.createRun({ content: [] })
  assert.equal(run.id, 'r')
  for await (const { event } of run.events) {
    assert.equal(event.type, 'text-delta')
    break
  }
  await closed.promise
})

test('a run without an id is no answer', async () => {
  await using service = await startByteService((socket, proof) => socket.end(head(proof)))
  const client = createClient({ transport: createSocketTransport({ socketPath: service.socketPath, token }) })
  await assert.rejects(client.createRun({ content: [] }), (error) => isStage(error, 'answer'))
})

test('a connection that breaks while nobody reads breaks nothing else', async () => {
  let hangUp = () => {}
  const gone = Promise.withResolvers<void>()
  await using service = await startByteService((socket, proof) => {
    socket.write(head(proof, '200 OK', ['x-lmapp-run: r']))
    socket.once('close', () => gone.resolve())
    hangUp = () => socket.destroy()
  })
  const client = createClient({ transport: createSocketTransport({ socketPath: service.socketPath, token }) })
  const { events } = await client.createRun({ content: [] })
  hangUp()
  await gone.promise
  await assert.rejects(Array.fromAsync(events), (error) => isStage(error, 'stream'))
})

function isStage(error: unknown, stage: string): boolean {
  return isLmappError(error) && error.details?.stage === stage
}
