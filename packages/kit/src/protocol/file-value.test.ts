import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { isLmappError } from '../errors/lmapp-error.ts'
import { readFileValue, removeFileValue, writeFileValue } from './file-value.ts'
import { isFileValue } from './messages.ts'

describe('file values', () => {
  let folder = ''
  let exchange = ''
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lmapp-values-'))
    exchange = join(folder, 'exchange')
    await mkdir(exchange)
  })
  afterEach(() => rm(folder, { recursive: true }))

  const content = Buffer.from('a large value')
  const rejects = (value: Parameters<typeof readFileValue>[1]) =>
    assert.rejects(readFileValue(exchange, value), (error) => isLmappError(error, 'protocol-violation'))

  it('go to a file that only its owner can read, come back, and are removed', async () => {
    const value = await writeFileValue(exchange, content)
    assert.ok(isFileValue(value))
    assert.equal((await stat(value.file)).mode & 0o777, 0o600)
    assert.equal(value.bytes, content.length)
    assert.match(value.sha256, /^[0-9a-f]{64}$/)
    assert.deepEqual(await readFileValue(exchange, value), content)
    await removeFileValue(exchange, value)
    await removeFileValue(exchange, value)
    assert.deepEqual(await readdir(exchange), [])
  })

  it('are refused when size or content is not what was said', async () => {
    const value = await writeFileValue(exchange, content)
    await rejects({ ...value, bytes: 1 })
    await rejects({ ...value, sha256: value.sha256.replace(/./g, '0') })
    await truncate(value.file, 3)
    await rejects(value)
    await removeFileValue(exchange, value)
    await rejects(value)
  })

  it('are refused outside of the directory, by whatever path or link', async () => {
    const outside = join(folder, 'outside')
    const value = { ...(await writeFileValue(exchange, content)), file: outside }
    await writeFile(outside, content)
    await rejects(value)
    await rejects({ ...value, file: join(exchange, '..', 'outside') })
    await rejects({ ...value, file: '../outside' })
    await rejects({ ...value, file: '/no/such/folder/file' })
    await symlink(outside, join(exchange, 'link'))
    await rejects({ ...value, file: join(exchange, 'link') })
    await symlink(folder, join(exchange, 'way-out'))
    await rejects({ ...value, file: join(exchange, 'way-out', 'outside') })
    await mkdir(join(exchange, 'folder'))
    await rejects({ ...value, file: join(exchange, 'folder') })
    await removeFileValue(exchange, value)
    assert.ok(await stat(outside))
  })

  it('may be named relative to the directory', async () => {
    const value = await writeFileValue(exchange, content)
    assert.deepEqual(await readFileValue(exchange, { ...value, file: value.file.slice(exchange.length + 1) }), content)
  })
})
