import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type ErrorEntry, errorTable } from './error-table.ts'
import { isErrorCode, isLmappError, LmappError, parseErrorData } from './lmapp-error.ts'

const entries: [string, ErrorEntry][] = Object.entries(errorTable)

describe('the table', () => {
  test('gives every code a JSON-RPC number of its own', () => {
    assert.equal(new Set(entries.map(([, entry]) => entry.rpc)).size, entries.length)
    for (const [code, { rpc }] of entries) assert.ok(Number.isInteger(rpc) && rpc < 0 && rpc >= -32_999, code)
  })

  test('says of each what it means, what lmapp does by itself and what to do, and speaks HTTP', () => {
    for (const [code, { says, meaning, byItself, recovery, http }] of entries) {
      assert.match(code, /^[a-z]+(-[a-z]+)*$/)
      assert.match(says, /^(["A-Z]|lmapp )/, code)
      assert.match(meaning, /^([A-Z]|lmapp ).*\.$/, code)
      assert.match(byItself, /^[A-Z].*\.$/, code)
      assert.match(recovery, /^[A-Z].*[^.]$/, code)
      assert.ok(http >= 400 && http < 600, code)
    }
  })
})

describe('an error', () => {
  test('takes its hint from the table when it brings none', () => {
    const error = new LmappError('disk-full', 'Full.')
    assert.equal(error.hint, errorTable['disk-full'].recovery)
    assert.equal(error.entry, errorTable['disk-full'])
    assert.deepEqual(error.toData(), { code: 'disk-full', message: 'Full.', hint: error.hint })
    assert.equal('cause' in error, false)
    assert.equal(new LmappError('disk-full', 'Full.', { hint: 'Sweep.' }).hint, 'Sweep.')
  })

  test('keeps its cause and details', () => {
    const cause = new Error('x')
    const error = new LmappError('not-found', 'Gone.', { cause, details: { id: '1' } })
    assert.equal(error.cause, cause)
    assert.deepEqual(error.toData().details, { id: '1' })
  })

  test('is known by its code', () => {
    const error = new LmappError('not-found', 'Gone.')
    assert.ok(isLmappError(error) && isLmappError(error, 'not-found'))
    assert.equal(isLmappError(error, 'busy'), false)
    assert.equal(isLmappError(new Error('not-found')), false)
    assert.deepEqual([isErrorCode('busy'), isErrorCode('toString'), isErrorCode(1)], [true, false, false])
  })

  test('comes over a wire as it left', () => {
    const error = new LmappError('busy', 'Later.', { hint: 'Wait.', details: { queued: 64 } })
    assert.deepEqual(parseErrorData(JSON.parse(JSON.stringify(error.toData()))).toData(), error.toData())
  })

  test('is read from anything, without throwing', () => {
    const strange = [
      undefined,
      null,
      1,
      'x',
      [],
      {},
      { code: 'brand-new' },
      { code: 'toString', message: 1, hint: 2, details: 3 },
      { details: null },
    ]
    for (const value of strange) assert.equal(parseErrorData(value).code, 'engine-failed')
    assert.equal(parseErrorData({ code: 'brand-new', message: 'From tomorrow.' }).message, 'From tomorrow.')
  })
})
