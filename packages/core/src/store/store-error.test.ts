import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ErrorCode, isLmappError, LmappError } from 'lmapp-kit'
import { isCorrupt, isFull, toStoreError } from './store-error.ts'

const sqliteError = (errcode: number) => Object.assign(new Error('from SQLite'), { code: 'ERR_SQLITE_ERROR', errcode })
const systemError = (code: string) => Object.assign(new Error(code), { code, syscall: 'write', errno: -1 })

const cases: [name: string, error: Error, code: ErrorCode][] = [
  ['SQLITE_FULL', sqliteError(13), 'disk-full'],
  ['ENOSPC', systemError('ENOSPC'), 'disk-full'],
  ['a used-up quota', systemError('EDQUOT'), 'disk-full'],
  ['SQLITE_CORRUPT', sqliteError(11), 'store-corrupt'],
  ['damage in a virtual table', sqliteError(11 | (1 << 8)), 'store-corrupt'],
  ['SQLITE_NOTADB', sqliteError(26), 'store-corrupt'],
  ['a failed write on a disk that has room', sqliteError(10 | (3 << 8)), 'store-failed'],
  ['SQLITE_BUSY', sqliteError(5), 'store-failed'],
  ['EACCES', systemError('EACCES'), 'store-failed'],
]
for (const [name, error, code] of cases) {
  test(`${name} is ${code}`, () => {
    const mapped = toStoreError(error, import.meta.filename)
    assert.ok(isLmappError(mapped, code))
    assert.equal(mapped.cause, error)
    assert.equal(isFull(error), code === 'disk-full')
    assert.equal(isCorrupt(error), code === 'store-corrupt')
  })
}

test('a failed write in a folder that is gone is store-failed', () => {
  assert.ok(isLmappError(toStoreError(sqliteError(10), '/no/such/folder/history.db'), 'store-failed'))
})

test('errors of the table and bugs stay as they are', () => {
  for (const error of [
    new LmappError('not-found', 'x'),
    new TypeError('x'),
    'x',
    Object.assign(new Error(), { errcode: 'x' }),
  ]) {
    assert.equal(toStoreError(error, ''), error)
  }
})
