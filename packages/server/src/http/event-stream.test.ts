import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openEventStream } from './event-stream.ts'

/** A connection to a real server, and its end of it. */
async function openPair() {
  const folder = await mkdtemp(join(tmpdir(), 'lmapp-stream-'))
  const server = createServer()
  await once(server.listen(join(folder, 's')), 'listening')
  const client = connect(join(folder, 's'))
  client.write('GET / HTTP/1.0\r\n\r\n')
  const [, response]: ServerResponse[] = await once(server, 'request')
  assert.ok(response)
  return {
    client,
    response,
    async [Symbol.asyncDispose]() {
      client.destroy()
      server.close()
      await once(server, 'close')
      await rm(folder, { recursive: true })
    },
  }
}

const options = { heartbeatMs: 60_000 }

test('the head leaves at once, also when there is nothing to say yet', async () => {
  await using pair = await openPair()
  const stream = openEventStream(pair.response, { ...options, headers: { 'x-lmapp-run': 'r' } })
  const [head] = await once(pair.client, 'data')
  assert.match(String(head), /x-lmapp-run: r\r\n[\s\S]*\r\n\r\n$/)
  stream.end()
})

test('what is there in one turn leaves in one piece, with the head', async () => {
  await using pair = await openPair()
  const stream = openEventStream(pair.response, options)
  for (const text of ['a', 'b', 'c']) assert.equal(stream.send(`data: ${text}\n\n`), undefined)
  const [first] = await once(pair.client, 'data')
  assert.match(String(first), /^HTTP[\s\S]*data: a\n\ndata: b\n\ndata: c\n\n$/)
  void stream.send('data: d\n\n')
  void stream.send('data: e\n\n')
  const [second] = await once(pair.client, 'data')
  assert.equal(String(second), 'data: d\n\ndata: e\n\n')
  void stream.send('data: f\n\n')
  stream.end()
  const [last] = await once(pair.client, 'data')
  assert.equal(String(last), 'data: f\n\n')
})

test('a slow client makes the sender wait, and little is held for it', async () => {
  await using pair = await openPair()
  const { client, response } = pair
  const stream = openEventStream(response, options)
  const frame = `data: ${'x'.repeat(1000)}\n\n`
  const count = 20_000
  let received = 0
  let waits = 0
  client.pause()
  const read = (async () => {
    for await (const chunk of client) {
      received += chunk.length
      await new Promise((resolve) => setImmediate(resolve))
    }
  })()
  let most = 0
  for (let sent = 0; sent < count; sent++) {
    const full = stream.send(frame)
    most = Math.max(most, response.writableLength)
    if (full) {
      waits += 1
      await full
    }
  }
  stream.end()
  await read
  assert.ok(received > count * frame.length)
  assert.ok(waits > 0)
  assert.ok(most < 128 * 1024, `${most} bytes were held`)
})

test('a sender that waits for a client that leaves goes on, into nothing', async () => {
  await using pair = await openPair()
  const { client, response } = pair
  const stream = openEventStream(response, options)
  client.pause()
  const frame = `data: ${'x'.repeat(40_000)}\n\n`
  let full = stream.send(frame)
  while (!response.writableNeedDrain) {
    await full
    full = stream.send(frame)
  }
  client.destroy()
  await full
  await (response.destroyed || once(response, 'close'))
  assert.equal(stream.send(frame), undefined)
  stream.end()
})
