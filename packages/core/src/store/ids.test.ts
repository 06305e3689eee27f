import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createId } from './ids.ts'

test('an id is a UUID of version 7 that begins with the time', () => {
  const id = createId(new Date(0x0190_1234_5678))
  assert.match(id, /^01901234-5678-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
})

test('ids grow, also when the clock stands still, runs backwards or the count overflows', () => {
  const clock = [
    ...Array.from({ length: 10_000 }, () => 2_000_000_000_000),
    1_000,
    1_999_999_999_999,
    2_000_000_000_001,
  ]
  const ids = clock.map((ms) => createId(new Date(ms)))
  assert.deepEqual(ids, [...new Set(ids)].sort())
})
