import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ErrorCode, LmappError } from 'lmapp-kit'
import { toBadEnding } from './response.ts'

test('what went wrong is told in the codes that clients know and look for', () => {
  const codes: [ErrorCode, string][] = [
    ['rate-limited', 'rate_limit_exceeded'],
    ['context-overflow', 'context_length_exceeded'],
    ['unsupported', 'invalid_prompt'],
    ['engine-died', 'server_error'],
    ['unauthorized', 'server_error'],
  ]
  for (const [code, told] of codes) {
    const { status, error } = toBadEnding(new LmappError(code, 'No.'), {}, { background: false })
    assert.deepEqual([status, error?.code], ['failed', told], code)
  }
})

test('to be cancelled in the background is no failure', () => {
  const error = new LmappError('cancelled', 'It was stopped.')
  const { at: _, ...ending } = toBadEnding(error, {}, { background: true })
  assert.deepEqual(ending, { status: 'cancelled', usage: {} })
  assert.equal(toBadEnding(error, {}, { background: false }).error?.code, 'server_error')
})
