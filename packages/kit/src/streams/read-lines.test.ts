import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isLmappError } from '../errors/lmapp-error.ts'
import { readLines } from './read-lines.ts'

async function* bytes(...chunks: (string | number[])[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield typeof chunk === 'string' ? Buffer.from(chunk) : Uint8Array.from(chunk)
}

const read = (source: AsyncIterable<Uint8Array>, maxBytes = 100) => Array.fromAsync(readLines(source, { maxBytes }))

/** What came before the error, then the error. */
async function readUntilError(source: AsyncIterable<Uint8Array>, maxBytes = 100) {
  const lines: string[] = []
  try {
    for await (const line of readLines(source, { maxBytes })) lines.push(line)
  } catch (error) {
    return { lines, error }
  }
  return { lines, error: undefined }
}

describe('readLines', () => {
  it('cuts at LF, however the bytes are cut', async () => {
    const whole = 'ä\n{"b":1}\n\n€𝄞\n'
    assert.deepEqual(await read(bytes(whole)), ['ä', '{"b":1}', '', '€𝄞'])
    assert.deepEqual(await read(bytes(...[...Buffer.from(whole)].map((byte) => [byte]))), ['ä', '{"b":1}', '', '€𝄞'])
  })

  it('drops the CR before a LF, and cuts at nothing else', async () => {
    assert.deepEqual(await read(bytes('a\r\nb\rc\u2028d\u0085e\n')), ['a', 'b\rc\u2028d\u0085e'])
    assert.deepEqual(await read(bytes('a\r', '\nb')), ['a', 'b'])
  })

  it('gives a last line without LF', async () => {
    assert.deepEqual(await read(bytes('a\nb')), ['a', 'b'])
    assert.deepEqual(await read(bytes('')), [])
  })

  it('refuses a line that is too long, after those before it', async () => {
    assert.deepEqual(await read(bytes('12345\n'), 5), ['12345'])
    for (const source of [bytes('ok\n123456\n'), bytes('ok\n', '123', '456'), bytes('ok\n12', '3456\n')]) {
      const { lines, error } = await readUntilError(source, 5)
      assert.deepEqual(lines, ['ok'])
      assert.ok(isLmappError(error, 'stream-malformed'))
    }
  })

  it('refuses what is no UTF-8, after the lines before it', async () => {
    for (const source of [bytes('ok\n', [0xff, 0x0a]), bytes('ok\n', [0xe2, 0x82])]) {
      const { lines, error } = await readUntilError(source)
      assert.deepEqual(lines, ['ok'])
      assert.ok(isLmappError(error, 'stream-malformed'))
    }
  })

  it('keeps a byte order mark: it belongs to the text', async () => {
    assert.deepEqual(await read(bytes('\uFEFFa\n')), ['\uFEFFa'])
  })
})
