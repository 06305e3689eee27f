import assert from 'node:assert/strict'
import { randomBytes, randomInt } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { gunzipSync, gzipSync } from 'node:zlib'
import { type ErrorCode, isLmappError } from 'lmapp-kit'
import { packageTarball, pluginFiles, type TarEntry, tarball } from './testing/plugin-files.ts'
import { unpackTarball } from './unpack-tarball.ts'

let folder = ''
let to = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lmapp-tarball-'))
  to = join(folder, 'inside')
  await mkdir(to)
})
afterEach(() => rm(folder, { recursive: true }))

async function unpack(bytes: Buffer, limits?: { files: number; bytes: number }): Promise<void> {
  const file = join(folder, 'plugin.tgz')
  await writeFile(file, bytes)
  await unpackTarball({ file }, to, limits)
}

/** It must fail so, and must have written nothing, inside or outside. */
async function refuses(bytes: Buffer, code: ErrorCode, words: RegExp, limits?: { files: number; bytes: number }) {
  await assert.rejects(unpack(bytes, limits), (error) => {
    assert.ok(isLmappError(error, code), String(error))
    assert.match(error.message, words)
    return true
  })
  assert.deepEqual((await readdir(folder, { recursive: true })).sort(), ['inside', 'plugin.tgz'])
}

const good: TarEntry = { path: 'package/lmapp-backend.json', data: '{}' }

describe('unpackTarball', () => {
  it('unpacks what npm pack makes, programs as programs', async () => {
    await unpack(packageTarball(pluginFiles('bee')))
    assert.deepEqual((await readdir(join(to, 'package'))).sort(), ['lmapp-backend.json', 'main.js'])
    await unpack(tarball([{ path: './run', data: '#!/bin/sh\n', mode: 0o755 }]))
    assert.equal((await stat(join(to, 'run'))).mode & 0o100, 0o100)
  })

  it('unpacks a large one, with long names, in pieces', async () => {
    const data = randomBytes(3_000_000)
    const path = `${'folder/'.repeat(20)}${'name'.repeat(20)}`
    await unpack(packageTarball({ large: data, [path.slice(0, 120)]: 'x' }))
    assert.deepEqual(await readFile(join(to, 'package', 'large')), data)
  })

  it('writes nothing of one that leads out, by name or by link', async () => {
    for (const path of ['../evil', 'package/../../evil', '/tmp/evil', 'C:\\evil', 'package\\..\\..\\evil']) {
      await refuses(tarball([good, { path, data: 'x' }]), 'bad-input', /leads out of it/)
    }
    for (const type of ['SymbolicLink', 'Link'] as const) {
      const entry: TarEntry = { path: 'package/link', type, linkpath: '../../../etc/passwd' }
      await refuses(tarball([good, entry]), 'bad-input', /package\/link is a link/)
      await refuses(tarball([good, { ...entry, linkpath: 'lmapp-backend.json' }]), 'bad-input', /is a link/)
    }
  })

  it('writes nothing of one with devices, pipes, or the same file twice', async () => {
    for (const type of ['CharacterDevice', 'FIFO'] as const) {
      await refuses(tarball([good, { path: 'package/odd', type }]), 'bad-input', /neither a file nor a folder/)
    }
    await refuses(tarball([good, { ...good, data: '{"other":1}' }]), 'bad-input', /twice/)
    await refuses(tarball([good, { ...good, path: `./${good.path}` }]), 'bad-input', /twice/)
  })

  it('stops reading one that is too large, or has too many files', async () => {
    const bomb = tarball(Array.from({ length: 20 }, (_, index) => ({ path: `f${index}`, data: Buffer.alloc(500_000) })))
    assert.ok(bomb.length < 20_000)
    await refuses(bomb, 'bad-input', /too large/, { files: 100, bytes: 2_000_000 })
    await refuses(bomb, 'bad-input', /too large/, { files: 10, bytes: 1e9 })
  })

  it('tells a damaged one from a wrong one', async () => {
    const whole = packageTarball({ ...pluginFiles('bee'), large: randomBytes(100_000) })
    for (const bytes of [
      whole.subarray(0, 50_000),
      whole.subarray(0, 40),
      Buffer.concat([whole.subarray(0, 30_000), randomBytes(30_000), whole.subarray(60_000)]),
      randomBytes(10_000),
      gzipSync(randomBytes(10_000)),
    ]) {
      await assert.rejects(unpack(bytes), (error) => isLmappError(error, 'download-failed'))
      await rm(to, { recursive: true })
      await mkdir(to)
    }
  })

  it('answers whatever is changed in one with its files, or an error that is known', async () => {
    const whole = gunzipSync(packageTarball(pluginFiles('bee')))
    for (let round = 0; round < 150; round += 1) {
      const changed = Buffer.from(whole)
      for (let change = 0; change <= round % 4; change += 1) changed[randomInt(changed.length)] = randomInt(256)
      const cut = round % 10 === 0 ? changed.subarray(0, randomInt(changed.length)) : changed
      await unpack(gzipSync(cut)).catch((error) => {
        assert.ok(isLmappError(error, 'bad-input') || isLmappError(error, 'download-failed'), String(error?.stack))
      })
      assert.deepEqual((await readdir(folder)).sort(), ['inside', 'plugin.tgz'])
    }
  })

  it('writes nothing of what says it is larger than it is', async () => {
    await refuses(tarball([{ ...good, size: 1e6 }]), 'download-failed', /damaged/)
  })

  it('says which folder cannot be written', async () => {
    await rm(to, { recursive: true })
    await assert.rejects(unpack(packageTarball(pluginFiles('bee'))), (error) => isLmappError(error, 'path-unusable'))
  })
})
