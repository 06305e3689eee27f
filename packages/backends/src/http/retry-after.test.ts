import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { parseRetryAfter } from './index.ts'

const now = Date.UTC(1994, 10, 6, 8, 49, 37)
const after = (value: string) => parseRetryAfter({ 'retry-after': value }, now)

describe('how long a server asks to wait', () => {
  it('is said in seconds', () => {
    assert.equal(after('7'), 7_000)
    assert.equal(after('0'), 0)
    assert.equal(after(' 1.5 '), 1_500)
  })

  it('is said as a date, in each of its three forms', () => {
    assert.equal(after('Sun, 06 Nov 1994 08:49:47 GMT'), 10_000)
    assert.equal(after('Sunday, 06-Nov-94 08:49:47 GMT'), 10_000)
    assert.equal(after('Sun Nov  6 08:49:47 1994'), 10_000)
    assert.equal(after('Sun, 06 Nov 1994 08:00:00 GMT'), 0)
  })

  it('is said in milliseconds where a server is more exact than that', () => {
    assert.equal(parseRetryAfter({ 'retry-after-ms': '250', 'retry-after': '1' }, now), 250)
    assert.equal(parseRetryAfter({ 'retry-after-ms': 'soon', 'retry-after': '1' }, now), 1_000)
    assert.equal(parseRetryAfter({ 'retry-after-ms': ['250', '300'], 'retry-after': '1' }, now), 1_000)
  })

  it('is never longer than ten minutes', () => {
    for (const value of ['601', '9'.repeat(400), 'Sun, 06 Nov 2044 08:49:47 GMT']) assert.equal(after(value), 600_000)
    assert.equal(parseRetryAfter({ 'retry-after-ms': '600001' }, now), 600_000)
  })

  it('is not known where it cannot be read', () => {
    assert.equal(parseRetryAfter({}, now), undefined)
    for (const value of ['', ' ', 'soon', '-5', '1e3', '0x10', '5 s', '1994-11-06', 'Sun, 99 Foo 1994 08:49:47 GMT']) {
      assert.equal(after(value), undefined, value)
    }
    for (let round = 0; round < 50; round += 1) {
      const found = after(randomBytes(round).toString('latin1'))
      assert.ok(found === undefined || (found >= 0 && found <= 600_000))
    }
  })
})
