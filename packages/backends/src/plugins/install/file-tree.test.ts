import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { isLmappError } from 'lmapp-kit'
import { copyTree, hashTree } from './file-tree.ts'
import { writeFiles } from './testing/plugin-files.ts'

let folder = ''
let from = ''
let to = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lmapp-tree-'))
  from = await writeFiles(join(folder, 'from'), { 'a.txt': 'a', 'sub/b.txt': 'b' })
  to = join(folder, 'to')
})
afterEach(() => rm(folder, { recursive: true }))

const isBadInput = (error: unknown) => isLmappError(error, 'bad-input')

describe('copyTree', () => {
  it('copies files, folders and links, without what is made anew', async () => {
    for (const path of ['.git/x', 'node_modules/x', 'sub/node_modules/x', '.venv/x', 'sub/__pycache__/x']) {
      await writeFiles(from, { [path]: '' })
    }
    await symlink('../a.txt', join(from, 'sub', 'link'))
    await copyTree(from, to)
    assert.deepEqual((await readdir(to, { recursive: true })).sort(), ['a.txt', 'sub', 'sub/b.txt', 'sub/link'])
    assert.equal(await readlink(join(to, 'sub', 'link')), '../a.txt')
    assert.equal(await readFile(join(to, 'sub', 'b.txt'), 'utf8'), 'b')
  })

  it('takes the packages along that a plugin bundles', async () => {
    await writeFiles(from, { 'node_modules/x/index.js': '', 'sub/.git/x': '' })
    await copyTree(from, to, { withPackages: true })
    assert.ok((await readdir(to, { recursive: true })).includes('node_modules/x/index.js'))
    assert.ok(!(await readdir(join(to, 'sub'))).includes('.git'))
  })

  it('refuses what is no file, and what is too large', async () => {
    await assert.rejects(copyTree(from, to, { limits: { files: 3, bytes: 1e6 } }), isBadInput)
    await assert.rejects(copyTree(from, to, { limits: { files: 30, bytes: 1 } }), isBadInput)
    execFileSync('mkfifo', [join(from, 'pipe')])
    await assert.rejects(copyTree(from, to), isBadInput)
  })

  it('refuses a folder that holds the copy, and says which folder cannot be used', async () => {
    await assert.rejects(copyTree(folder, join(folder, 'from', 'to')), isBadInput)
    await writeFile(join(folder, 'file'), '')
    await assert.rejects(copyTree(from, join(folder, 'file', 'to')), (error) => isLmappError(error, 'path-unusable'))
  })
})

describe('hashTree', () => {
  it('is that of names and contents, wherever the folder is', async () => {
    const first = await hashTree(from)
    await copyTree(from, to)
    assert.equal(await hashTree(to), first)
    await writeFiles(to, { 'a.txt': 'c' })
    const changed = await hashTree(to)
    assert.notEqual(changed, first)
    await rm(join(to, 'a.txt'))
    await writeFiles(to, { 'c.txt': 'a' })
    assert.notEqual(await hashTree(to), first)
    assert.match(changed, /^[0-9a-f]{64}$/)
  })

  it('takes a link that stays inside, and none that leads out, however it winds', async () => {
    await symlink('sub', join(from, 'inner'))
    const first = await hashTree(from)
    await rm(join(from, 'inner'))
    await symlink('./sub', join(from, 'inner'))
    assert.notEqual(await hashTree(from), first)
    await mkdir(join(from, 'deep'))
    for (const target of [
      '../..',
      '/etc/passwd',
      join(from, 'a.txt'),
      'nowhere',
      '../inner/../../to',
      '../../from-other',
    ]) {
      await symlink(target, join(from, 'deep', 'link'))
      await assert.rejects(hashTree(from), isBadInput, target)
      await rm(join(from, 'deep', 'link'))
    }
  })
})
