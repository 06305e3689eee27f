import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { createMemoryProofs, createProofs, proofsIn } from './index.ts'

let folder = ''
let file = ''

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lmapp-test-'))
  file = join(folder, 'ollama', 'continuations.json')
})
afterEach(() => rm(folder, { recursive: true }))

async function place(content: string | Buffer): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, content)
}

const kept = async () => JSON.parse(await readFile(file, 'utf8')).proofs as [string, string][]

describe('proofs', () => {
  it('are remembered by who comes after', async () => {
    const proofs = createProofs({ file })
    assert.equal(await proofs.get('a'), undefined)
    await proofs.set('a', 'only-new')
    await proofs.set('b', 'repeats')
    await proofs.set('a', 'none')
    for (const reader of [proofs, createProofs({ file }), proofsIn(dirname(file))]) {
      assert.deepEqual(
        [await reader.get('a'), await reader.get('b'), await reader.get('c')],
        ['none', 'repeats', undefined],
      )
    }
  })

  it('touch nothing until one is set, and are then for their owner only', async () => {
    const proofs = createProofs({ file })
    await proofs.get('a')
    assert.deepEqual(await readdir(folder), [])
    await proofs.set('a', 'only-new')
    assert.deepEqual(await readdir(dirname(file)), ['continuations.json'])
    if (process.platform !== 'win32') assert.equal((await stat(file)).mode & 0o777, 0o600)
  })

  it('are all kept when many are set at once, by several backends too', async () => {
    const all = Array.from({ length: 20 }, () => createProofs({ file }))
    await Promise.all(all.map((proofs, index) => proofs.set(`key ${index}`, 'only-new')))
    const reader = createProofs({ file })
    for (const index of all.keys()) assert.equal(await reader.get(`key ${index}`), 'only-new')
  })

  it('are the newest five hundred; their keys may be long', async () => {
    const proofs = createProofs({ file })
    const key = (index: number) => `${index} ${'template '.repeat(10_000)}`
    await Promise.all(Array.from({ length: 510 }, (_, index) => proofs.set(key(index), 'only-new')))
    for (const reader of [proofs, createProofs({ file })]) {
      assert.equal(await reader.get(key(9)), undefined)
      assert.equal(await reader.get(key(10)), 'only-new')
      assert.equal(await reader.get(key(509)), 'only-new')
    }
    assert.equal((await kept()).length, 500)
    assert.ok((await stat(file)).size < 64 * 1024)
  })

  it('are none in a file that is broken, or of another kind; the next one replaces it', async () => {
    const digest = 'a'.repeat(64)
    for (const content of [
      '',
      'words',
      '[]',
      'null',
      '{"version":2,"proofs":[]}',
      '{"version":1}',
      `{"version":1,"proofs":[["${digest}","maybe"],["short","none"],[5,"none"],null,[]]}`,
      `{"version":1,"proofs":[["${digest}","none"]`,
      `${'['.repeat(200_000)}${']'.repeat(200_000)}`,
      Buffer.alloc(2 * 1024 * 1024, ' '),
      randomBytes(5_000),
    ]) {
      await place(content)
      const proofs = createProofs({ file })
      assert.equal(await proofs.get('a'), undefined)
      await proofs.set('a', 'none')
      assert.deepEqual(
        (await kept()).map(([, verdict]) => verdict),
        ['none'],
      )
    }
  })

  it('are none where no file is; a symbolic link is replaced, not followed', {
    skip: process.platform === 'win32',
  }, async () => {
    await mkdir(dirname(file))
    await promisify(execFile)('mkfifo', [file])
    const proofs = createProofs({ file })
    assert.equal(await proofs.get('a'), undefined)
    await proofs.set('a', 'none')
    assert.ok((await stat(file)).isFile())
    const other = join(folder, 'other')
    await writeFile(other, 'mine')
    await rm(file)
    await symlink(other, file)
    await createProofs({ file }).set('a', 'none')
    assert.equal(await readFile(other, 'utf8'), 'mine')
  })

  it('hold in memory where the disk refuses, and leave nothing beside', async () => {
    await writeFile(join(folder, 'ollama'), 'a file where a folder is due')
    const proofs = createProofs({ file })
    await proofs.set('a', 'only-new')
    assert.equal(await proofs.get('a'), 'only-new')
    assert.equal(await createProofs({ file }).get('a'), undefined)
    file = join(folder, 'taken')
    await mkdir(join(file, 'within'), { recursive: true })
    const hindered = createProofs({ file })
    await hindered.set('a', 'only-new')
    assert.equal(await hindered.get('a'), 'only-new')
    assert.deepEqual((await readdir(folder)).toSorted(), ['ollama', 'taken'])
  })

  it('are forgotten with the backend where there is no folder for them', async () => {
    for (const proofs of [createMemoryProofs(), proofsIn(undefined), proofsIn('')]) {
      assert.equal(await proofs.get('a'), undefined)
      await proofs.set('a', 'repeats')
      assert.equal(await proofs.get('a'), 'repeats')
    }
  })
})
