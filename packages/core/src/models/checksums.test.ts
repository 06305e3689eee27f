import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { findChecksum, longestChecksums, readChecksumBeside } from './checksums.ts'

const one = 'a1'.repeat(32)
const two = 'b2'.repeat(32)

describe('a list of checksums', () => {
  it('is read as sha256sum and as BSD’s sha256 write it', () => {
    const gnu = `${two}  other\r\n${one.toUpperCase()} *file\r\n`
    assert.equal(findChecksum(gnu, 'file'), one)
    assert.equal(findChecksum(`${one}  ./dist/file`, 'file'), one)
    assert.equal(findChecksum(`# sums\n\nSHA256 (file) = ${one}\n`, 'file'), one)
    assert.equal(findChecksum(`\\${one}  file\n`, 'file'), one)
  })

  it('says nothing of a file that it does not name, unless it is of that file alone', () => {
    assert.equal(findChecksum(`${two}  file.sig\n${two}  afile\n`, 'file'), undefined)
    assert.equal(findChecksum(`${one}\n`, 'file'), undefined)
    assert.equal(findChecksum(`${one}\n`, 'file', true), one)
    assert.equal(findChecksum(`${two}  other\n`, 'file', true), undefined)
  })

  it('may hold anything', () => {
    for (let round = 0; round < 200; round += 1) {
      assert.equal(findChecksum(randomBytes(round * 20).toString('latin1'), 'file', true), undefined)
    }
    assert.equal(findChecksum(`${one.slice(1)}  file`, 'file'), undefined)
    assert.equal(findChecksum(`${one}0  file`, 'file'), undefined)
    const long = ' '.repeat(longestChecksums)
    for (const line of [
      `${one}${long}`,
      `${one} x${long}y`,
      `SHA256 (${long}) = x`,
      `SHA256 (${') = '.repeat(9_999)}`,
    ]) {
      assert.equal(findChecksum(line, 'file'), undefined)
    }
  })

  it('that is far too long is not read', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lmapp-sums-'))
    try {
      await writeFile(join(folder, 'file.sha256'), `${one}\n${' '.repeat(longestChecksums)}`)
      assert.equal(await readChecksumBeside(join(folder, 'file')), undefined)
      await writeFile(join(folder, 'file.sha256'), `${one}\n`)
      await writeFile(join(folder, 'SHA256SUMS'), `${two}  other\n`)
      assert.equal(await readChecksumBeside(join(folder, 'file')), one)
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})
