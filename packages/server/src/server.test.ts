import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFile, rename, stat, writeFile } from 'node:fs/promises'
import { connect, createServer as createNetServer } from 'node:net'
import { join } from 'node:path'
import { duplexPair } from 'node:stream'
import { test } from 'node:test'
import { createClient, createFetchTransport } from 'lmapp-client'
import { createSocketTransport } from 'lmapp-client/node'
import { isLmappError } from 'lmapp-kit'
import { createServer } from './server.ts'
import { jsonType, ownerHeaders, rawRequest } from './testing/raw-request.ts'
import { startTestService } from './testing/test-app.ts'

const question = { content: [{ type: 'text' as const, text: 'Why?' }] }

test('only loopback is served', async () => {
  await using service = await startTestService()
  for (const host of ['0.0.0.0', '::', '192.168.1.1', 'example.org', '', '127.0.0.1.example', '127.0.0.256']) {
    await assert.rejects(service.server.listenTcp(host, 0), (error) => isLmappError(error, 'bad-input'), host)
  }
  await assert.rejects(service.server.listenTcp('127.0.0.1', 70_000), (error) => isLmappError(error, 'bad-input'))
  const address = await service.server.listenTcp('localhost', 0)
  assert.match(address, /^http:\/\/127\.0\.0\.1:\d+$/)
  await createClient({ transport: createFetchTransport({ baseUrl: address }) }).health()
})

test('an address is told as it is asked for: by its number, and answered to', async () => {
  await using service = await startTestService()
  const outside = { outside: true }
  for (const host of ['0.0.0.0', '127.1', '127.0.0.2']) {
    const address = await service.server.listenTcp(host, 0, outside)
    assert.match(address, /^http:\/\/(0\.0\.0\.0|127\.0\.0\.[12]):\d+$/)
    assert.equal((await rawRequest({ address, path: '/lmapp/v1/health' })).status, 200, host)
  }
  for (const host of ['', 'no.such.name.invalid', '192.0.2.1']) {
    await assert.rejects(
      service.server.listenTcp(host, 0, outside),
      (error) => isLmappError(error, 'bad-input') && /no address of this machine/.test(error.message),
      host,
    )
  }
})

test('a port that is taken is named', async () => {
  await using service = await startTestService()
  const port = Number(new URL(service.address).port)
  await assert.rejects(
    service.server.listenTcp('127.0.0.1', port),
    (error) => isLmappError(error, 'port-in-use') && error.message.includes(String(port)),
  )
})

test('the socket is for its owner only', { skip: process.platform === 'win32' && 'pipes have no mode' }, async () => {
  await using service = await startTestService()
  assert.equal((await stat(service.socketPath)).mode & 0o777, 0o600)
})

test('a socket that a dead service left is replaced; a living one, or something else, is not', async () => {
  await using service = await startTestService()
  await using other = createServer(service.app)
  await assert.rejects(other.listenSocket(service.socketPath), (error) => isLmappError(error, 'service-unavailable'))
  const file = join(service.folder, 'notes.txt')
  await writeFile(file, 'precious')
  await assert.rejects(other.listenSocket(file), (error) => isLmappError(error, 'path-unusable'))
  assert.equal(await readFile(file, 'utf8'), 'precious')
  const stale = await leaveStaleSocket(service.folder)
  await other.listenSocket(stale)
  const transport = createSocketTransport({ socketPath: stale, token: service.app.token })
  await createClient({ transport }).health()
})

test('a place where no socket can be is named', async () => {
  await using service = await startTestService()
  for (const path of [join(service.folder, 'missing', 'x.sock'), join(service.folder, 'x'.repeat(120))]) {
    await assert.rejects(
      service.server.listenSocket(path),
      (error) => isLmappError(error, 'path-unusable') && error.message.includes(path),
    )
  }
})

test('what is no HTTP is refused in its language', async () => {
  await using service = await startTestService()
  const { port, hostname } = new URL(service.address)
  const heads = [
    [400, 'HELLO\r\n\r\n'],
    [400, `POST /lmapp/v1/runs HTTP/1.1\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`],
    [431, `GET / HTTP/1.1\r\nx: ${'y'.repeat(200_000)}\r\n\r\n`],
  ] as const
  for (const [status, head] of heads) {
    const socket = connect(Number(port), hostname)
    socket.on('error', () => {})
    let text = ''
    socket.setEncoding('utf8').on('data', (chunk) => {
      text += chunk
    })
    socket.write(head)
    await once(socket, 'close')
    assert.match(text, new RegExp(`^HTTP/1\\.1 ${status} .*\\r\\nx-lmapp: 9\\.8\\.7\\r\\n`))
    assert.match(text, /"code":"bad-input"/)
  }
})

test('what follows a request that is being answered never stands in its answer', async () => {
  await using service = await startTestService()
  const { port, hostname, host } = new URL(service.address)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => {})
  let text = ''
  const body = JSON.stringify({ content: [{ type: 'text', text: 'hi' }] })
  const headers = { host, ...jsonType, accept: 'text/event-stream', 'content-length': String(body.length) }
  socket.write(`POST /lmapp/v1/runs HTTP/1.1\r\n${toLines(headers)}\r\n${body}`)
  const dictation = await service.backend.nextChat()
  dictation.say('Hello')
  for await (const chunk of socket.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    text += chunk
    if (text.includes('Hello')) break
  }
  socket.on('data', (chunk) => {
    text += chunk
  })
  socket.write('no HTTP\r\n\r\n')
  await once(socket, 'close')
  assert.match(text, /^HTTP\/1\.1 200 /)
  assert.doesNotMatch(text, /HTTP\/1\.1 400/)
  dictation.finish()
})

test('no more connections are taken than may be open at a time, and the socket stays free', async () => {
  await using service = await startTestService({ mostConnections: 2 })
  const { port, hostname } = new URL(service.address)
  const idle = [connect(Number(port), hostname), connect(Number(port), hostname)]
  for (const socket of idle) await once(socket, 'connect')
  const dropped = connect(Number(port), hostname)
  dropped.on('error', () => {}).resume()
  await once(dropped, 'close')
  await service.client.health()
  for (const socket of idle) socket.destroy()
})

test('a client that leaves within its request is no bug', async () => {
  await using service = await startTestService()
  const socket = connect(service.socketPath)
  const headers = { ...ownerHeaders(service.app.token), ...jsonType, 'content-length': '100' }
  const begun = once(service.activity, 'change')
  socket.write(`POST /lmapp/v1/runs HTTP/1.1\r\nhost: x\r\n${toLines(headers)}\r\n{"content":`)
  await begun
  const ended = once(service.activity, 'change')
  socket.destroy()
  await ended
  await service.client.health()
  assert.deepEqual(service.bugs, [])
})

test('a quiet stream carries a comment now and then', async () => {
  await using service = await startTestService({ heartbeatMs: 1 })
  const { id } = await service.client.createRun(question)
  const socket = connect(service.socketPath)
  socket.write(`GET /lmapp/v1/runs/${id}/events HTTP/1.0\r\n${toLines(ownerHeaders(service.app.token))}\r\n`)
  let text = ''
  for await (const chunk of socket.setEncoding('utf8')) {
    text += chunk
    if (text.endsWith('\n\n: \n\n')) break
  }
  assert.match(text, /"type":"snapshot"/)
})

test('closing waits for streams that end, and leaves no idle connection open', async () => {
  await using service = await startTestService({ closeGraceMs: 3_600_000 })
  const guest = createClient({ transport: createFetchTransport({ baseUrl: service.address }) })
  await guest.health()
  const run = await guest.createRun(question)
  const dictate = await service.backend.nextChat()
  await dictate.say('all')
  const closed = service.server.close()
  await dictate.finish()
  const end = (await Array.fromAsync(run.events)).at(-1)?.event
  assert.ok(end?.type === 'end' && end.state === 'complete')
  await closed
  await assert.rejects(guest.health(), (error) => isLmappError(error, 'service-unavailable'))
  await assert.rejects(
    service.client.health(),
    (error) => isLmappError(error, 'service-unavailable') && error.details?.stage === 'connect',
  )
})

test('a front in the same process is served over a pair of streams, until it is closed', async () => {
  await using service = await startTestService({ closeGraceMs: 1 })
  const socketPath = () => {
    const [front, end] = duplexPair()
    service.server.acceptOwner(end)
    return front
  }
  const client = createClient({ transport: createSocketTransport({ socketPath, token: service.app.token }) })
  const { events } = await client.createRun(question)
  const dictate = await service.backend.nextChat()
  await dictate.say('all')
  await dictate.finish()
  const end = (await Array.fromAsync(events)).at(-1)?.event
  assert.ok(end?.type === 'end' && end.state === 'complete')
  const stranger = createClient({ transport: createSocketTransport({ socketPath, token: 'guess' }) })
  await assert.rejects(stranger.health(), (error) => isLmappError(error, 'unauthorized'))
  const endless = await client.createRun(question)
  const outcome = Array.fromAsync(endless.events)
  await service.server.close()
  await assert.rejects(outcome, (error) => isLmappError(error, 'service-unavailable'))
})

test('closing cuts what does not end, and the client is told that the connection broke', async () => {
  await using service = await startTestService({ closeGraceMs: 1 })
  const { events } = await service.client.createRun(question)
  const outcome = Array.fromAsync(events)
  await service.server.close()
  await assert.rejects(
    outcome,
    (error) => isLmappError(error, 'service-unavailable') && error.details?.stage === 'stream',
  )
})

test('a stream that breaks on the inside is cut, never ended as if it were whole', async () => {
  await using service = await startTestService()
  const { get } = service.app.runs
  const bug = new Error('broken inside')
  Object.assign(service.app.runs, {
    get(id: string, owner: string) {
      const run = get(id, owner)
      const events = async function* () {
        yield { seq: 1, event: { type: 'text-delta', text: 'a' } }
        throw bug
      }
      return Object.assign(Object.create(run), { id: run.id, events })
    },
  })
  const { id } = await service.client.createRun(question)
  await assert.rejects(Array.fromAsync(service.client.joinRun(id)), (error) =>
    isLmappError(error, 'service-unavailable'),
  )
  assert.deepEqual(service.bugs, [bug])
})

/** A server removes the path that it made, and misses it when it was renamed. */
async function leaveStaleSocket(folder: string): Promise<string> {
  const dead = createNetServer().listen(join(folder, 'dead.sock'))
  await once(dead, 'listening')
  await rename(join(folder, 'dead.sock'), join(folder, 'stale.sock'))
  dead.close()
  await once(dead, 'close')
  return join(folder, 'stale.sock')
}

function toLines(headers: Record<string, string>): string {
  return Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')
}
