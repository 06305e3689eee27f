import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createRawLines } from './raw-lines.ts'

function cut(chunks: readonly string[], maxBytes = 8): { lines: string[]; rest: string } {
  const raw = createRawLines(maxBytes)
  const lines = chunks.flatMap((chunk) => raw.push(Buffer.from(chunk)))
  return { lines: lines.map((line) => ('tooLong' in line ? '!' : line.bytes.toString())), rest: raw.rest().toString() }
}

describe('raw lines', () => {
  it('are what stands before each LF, however the bytes are cut', () => {
    const text = 'one\n\ntwo é\nrest'
    const due = { lines: ['one', '', 'two é'], rest: 'rest' }
    assert.deepEqual(cut([text]), due)
    const bytes = createRawLines(8)
    const lines = [...Buffer.from(text)].flatMap((byte) => bytes.push(Buffer.of(byte)))
    assert.deepEqual(
      lines.map((line) => 'bytes' in line && line.bytes.toString()),
      due.lines,
    )
  })

  it('go on after one that is too long, which is told once and at once', () => {
    assert.deepEqual(cut(['12345678\n', '123456789']), { lines: ['12345678', '!'], rest: '' })
    assert.deepEqual(cut(['123456789', '0123456789', '\nnext\n']), { lines: ['!', 'next'], rest: '' })
    assert.deepEqual(cut(['123456789\nnext\n123456789\n']), { lines: ['!', 'next', '!'], rest: '' })
  })
})
