import assert from 'node:assert/strict'
import { it } from 'node:test'
import { isLmappError, LmappError } from 'lmapp-kit'
import { toInstallError } from './install-error.ts'

it('what the disk refuses is told as such, and everything else stays what it is', () => {
  const refused = (code: string) => toInstallError(Object.assign(new Error(code), { code, syscall: 'write' }), '/x')
  assert.ok(isLmappError(refused('ENOSPC'), 'disk-full'))
  assert.ok(isLmappError(refused('EDQUOT'), 'disk-full'))
  assert.ok(isLmappError(refused('EROFS'), 'path-unusable'))
  for (const other of [new LmappError('offline', 'No.'), new TypeError('a bug'), undefined, 'text']) {
    assert.equal(toInstallError(other, '/x'), other)
  }
})
