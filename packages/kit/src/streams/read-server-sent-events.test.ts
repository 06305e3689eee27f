import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isLmappError } from '../errors/lmapp-error.ts'
import { readServerSentEvents } from './read-server-sent-events.ts'

async function* chunks(...items: (string | Uint8Array)[]): AsyncGenerator<string | Uint8Array> {
  yield* items
}

const read = (...items: (string | Uint8Array)[]) => Array.fromAsync(readServerSentEvents(chunks(...items)))

describe('readServerSentEvents', () => {
  it('reads id, event and data; the space after the colon is no part of the value', async () => {
    assert.deepEqual(await read('id: 7\nevent:text\ndata: {"a": 1}\n\ndata:  two\n\n'), [
      { id: '7', event: 'text', data: '{"a": 1}' },
      { data: ' two' },
    ])
  })

  it('joins several data lines, and knows a field without colon', async () => {
    assert.deepEqual(await read('data: a\ndata\ndata: b\n\n'), [{ data: 'a\n\nb' }])
  })

  it('leaves out comments, unknown fields, ids with a NUL and events without data', async () => {
    assert.deepEqual(await read(': ping\n\nretry: 5\nwhat: x\nid: a\0b\ndata: x\n\nevent: empty\n\n'), [{ data: 'x' }])
  })

  it('takes LF, CR and CRLF as line ends, however the stream is cut', async () => {
    const text = 'data: a\r\ndata: ü\r\n\r\ndata: b\rdata: c\r\rdata: d\n\n'
    const expected = [{ data: 'a\nü' }, { data: 'b\nc' }, { data: 'd' }]
    assert.deepEqual(await read(text), expected)
    assert.deepEqual(await read(...text), expected)
    assert.deepEqual(await read('data: a\r\r'), [{ data: 'a' }])
    assert.deepEqual(await read(...[...Buffer.from(text)].map((byte) => Uint8Array.of(byte))), expected)
  })

  it('drops a byte order mark at the beginning only', async () => {
    assert.deepEqual(await read('\uFEFFdata: a\n\n', '\uFEFFdata: b\n\n'), [{ data: 'a' }])
  })

  it('does not give an event that the end cuts off', async () => {
    assert.deepEqual(await read('data: a\n\ndata: [DONE]\n'), [{ data: 'a' }])
  })

  it('refuses bytes that are no UTF-8, in the middle or cut off at the end', async () => {
    for (const bad of [Uint8Array.of(0xff), Uint8Array.of(0xe2, 0x82)]) {
      const events: string[] = []
      const reading = async () => {
        for await (const event of readServerSentEvents(chunks('data: a\n\n', bad))) events.push(event.data)
      }
      await assert.rejects(reading, (error) => isLmappError(error, 'stream-malformed'))
      assert.deepEqual(events, ['a'])
    }
  })

  it('refuses an event without end before it fills the memory', async () => {
    const line = `data: ${'x'.repeat(1024 * 1024)}\n`
    await assert.rejects(read(...Array(17).fill(line)), (error) => isLmappError(error, 'stream-malformed'))
  })
})
