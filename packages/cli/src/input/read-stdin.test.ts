import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { describe, it } from 'node:test'
import { isLmappError } from 'lmapp-kit'
import { createTestContext } from '../testing/test-context.ts'
import { readStdin, readStdinBytes } from './read-stdin.ts'

const quiet = { quiet: true }

describe('stdin', () => {
  it('is read whole, as text or as the bytes that it has', async () => {
    const picture = Buffer.from('89504e470d0a1a0a00ff', 'hex')
    assert.deepEqual(await readStdinBytes(createTestContext({ stdin: picture }), quiet), picture)
    assert.equal(await readStdin(createTestContext({ stdin: '\ufeffwords' }), quiet), 'words')
    assert.equal(await readStdin(createTestContext(), quiet), undefined)
  })

  it('is refused with the number when it never ends, and its producer is let go', async () => {
    const stream = Readable.from(endless())
    await assert.rejects(readStdin(createTestContext({ stdin: stream }), quiet), (error) => {
      assert.ok(isLmappError(error, 'bad-input'))
      assert.match(error.message, /stdin holds more than 67\.1 MB/)
      return true
    })
    assert.ok(stream.destroyed)
  })
})

function* endless(): Generator<Buffer> {
  for (;;) yield Buffer.alloc(1024 * 1024, 'y')
}
