import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isLmappError } from '../errors/lmapp-error.ts'
import { createLineSplitter } from './line-splitter.ts'

/** The lines before the error, then the error's details. */
function splitUntilError(chunks: readonly Uint8Array[], maxBytes = 1000) {
  const splitter = createLineSplitter({ maxBytes })
  const lines: string[] = []
  try {
    for (const chunk of chunks) for (const line of splitter.push(chunk)) lines.push(line)
    splitter.end()
  } catch (error) {
    assert.ok(isLmappError(error, 'stream-malformed'), String(error))
    return { lines, details: error.details }
  }
  assert.fail('It was taken.')
}

describe('createLineSplitter', () => {
  it('shows the beginning of a line that is too long, wherever it was cut', () => {
    const long = Buffer.from(`ok\n${'äb'.repeat(600)}`)
    const line = 'äb'.repeat(100)
    for (const size of [1, 7, 500, 10_000]) {
      const chunks = Array.from({ length: Math.ceil(long.length / size) }, (_, n) =>
        long.subarray(n * size, (n + 1) * size),
      )
      assert.deepEqual(splitUntilError(chunks), { lines: ['ok'], details: { maxBytes: 1000, line } })
    }
  })

  it('shows the beginning of a line that is no UTF-8', () => {
    for (const end of ['\n', '']) {
      const bytes = Buffer.concat([Buffer.from('a'.repeat(150)), Buffer.alloc(100, 0xff), Buffer.from(end)])
      assert.deepEqual(splitUntilError([bytes]).details, { line: `${'a'.repeat(150)}${'\uFFFD'.repeat(50)}` })
    }
  })

  it('holds what a line has, also where it comes byte by byte', () => {
    const maxBytes = 1024 * 1024
    const splitter = createLineSplitter({ maxBytes })
    const byte = Buffer.from('x')
    const before = process.memoryUsage()
    for (let count = 0; count < maxBytes; count++) for (const line of splitter.push(byte)) assert.fail(line)
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    const grown = heapUsed - before.heapUsed + arrayBuffers - before.arrayBuffers
    assert.ok(grown < 48 * 1024 * 1024, `${grown} bytes`)
    assert.equal([...splitter.push(Buffer.from('\n'))][0]?.length, maxBytes)
  })

  it('gives a line that stays as it is when the chunk is used again', () => {
    const splitter = createLineSplitter({ maxBytes: 100 })
    const chunk = Buffer.from('abc')
    assert.deepEqual([...splitter.push(chunk)], [])
    chunk.fill('z')
    assert.deepEqual([...splitter.push(Buffer.from('d\n'))], ['abcd'])
  })
})
