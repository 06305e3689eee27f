import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { isLmappError, manifestFileName } from 'lmapp-kit'
import { currentPlatform, discoverPlugins, stampOfFolders } from './discover-plugins.ts'
import { toManifest } from './fixtures/open-fixture.ts'
import { installationFileName } from './installation.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lmapp-plugins-'))
})
afterEach(() => rm(folder, { recursive: true }))

async function put(path: string, content: object | string, file: string = manifestFileName): Promise<string> {
  const directory = join(folder, path)
  await mkdir(directory, { recursive: true })
  const text = typeof content === 'string' ? content : JSON.stringify(content)
  await writeFile(join(directory, file), text)
  return directory
}

const manifest = (name: string, extra = {}) => toManifest(['./run'], { name, ...extra })

describe('discoverPlugins', () => {
  it('reads the manifests of folders, in their order, and runs nothing', async () => {
    const second = await put('mine/zebra', manifest('zebra'))
    const first = await put('mine/ant', manifest('ant', { command: ['./does-not-exist'] }))
    await put('others/bee', manifest('bee'))
    const { plugins, warnings } = await discoverPlugins([join(folder, 'mine'), join(folder, 'others')])
    assert.deepEqual(warnings, [])
    assert.deepEqual(
      plugins.map((plugin) => plugin.manifest.name),
      ['ant', 'zebra', 'bee'],
    )
    assert.deepEqual([plugins[0]?.directory, plugins[1]?.directory], [first, second])
    assert.equal(plugins[0]?.file, join(first, manifestFileName))
    assert.deepEqual([plugins[0]?.origin, plugins[0]?.programs], ['user', undefined])
  })

  it('ignores a missing folder, files, links that lead nowhere, and folders without a manifest', async () => {
    await mkdir(join(folder, 'mine', 'node_modules'), { recursive: true })
    await writeFile(join(folder, 'mine', 'notes.txt'), '')
    await symlink(join(folder, 'nowhere'), join(folder, 'mine', 'gone'))
    assert.deepEqual(await discoverPlugins([join(folder, 'mine'), join(folder, 'nowhere')]), {
      plugins: [],
      warnings: [],
    })
  })

  it('follows a link to a folder', async () => {
    await put('elsewhere/parrot', manifest('parrot'))
    await mkdir(join(folder, 'mine'))
    await symlink(join(folder, 'elsewhere', 'parrot'), join(folder, 'mine', 'parrot'))
    assert.equal((await discoverPlugins([join(folder, 'mine')])).plugins.length, 1)
  })

  it('warns once of each that is broken, and lists the rest', async () => {
    await put('broken', '{\n"name": 1')
    await put('deep', '['.repeat(500_000))
    await put('folder/lmapp-backend.json', '')
    await truncate(join(await put('large', ''), manifestFileName), 1024 * 1024 + 1)
    await mkdir(join(folder, 'pipe'))
    execFileSync('mkfifo', [join(folder, 'pipe', manifestFileName)])
    await put('whole', manifest('whole'))
    const { plugins, warnings } = await discoverPlugins([folder])
    assert.equal(plugins.length, 1)
    assert.ok(warnings.every((warning) => isLmappError(warning, 'config-invalid')))
    const expected = [
      /broken.lmapp-backend\.json:2: /,
      /deep.*/,
      /folder.*it is no file/,
      /large.*larger than 1 MiB/,
      /pipe.*no file/,
    ]
    assert.equal(warnings.length, expected.length)
    for (const [index, words] of expected.entries()) assert.match(warnings[index]?.message ?? '', words)
  })

  it('warns of a manifest that cannot be read', async () => {
    await mkdir(join(folder, 'circle'))
    await symlink(manifestFileName, join(folder, 'circle', manifestFileName))
    const { warnings } = await discoverPlugins([folder])
    assert.match(warnings[0]?.message ?? '', /ELOOP/)
  })

  it('takes the first of two with one name, and warns of the second', async () => {
    const first = await put('a/x', manifest('same'))
    await put('b/y', manifest('same'))
    await put('c/same', manifest('same'))
    await put('c/same', { ...record, name: 'same', directory: '.' }, installationFileName)
    const { plugins, warnings } = await discoverPlugins([
      join(folder, 'a'),
      join(folder, 'b'),
      { installed: join(folder, 'c') },
    ])
    assert.deepEqual(
      plugins.map(({ directory }) => directory),
      [first],
    )
    assert.match(warnings[0]?.message ?? '', /the name "same" is taken by/)
    assert.doesNotMatch(warnings[0]?.hint ?? '', /lmapp backends remove/)
    assert.match(warnings[1]?.hint ?? '', /lmapp backends remove same$/)
  })

  it('says which of them run on this platform', async () => {
    await put('all', manifest('all'))
    await put('here', manifest('here', { platforms: ['plan9-mips', currentPlatform] }))
    await put('there', manifest('there', { platforms: ['plan9-mips'] }))
    const runs = async (platform?: string) =>
      (await discoverPlugins([folder], platform)).plugins.map(({ runsHere }) => runsHere)
    assert.deepEqual(await runs(), [true, true, false])
    assert.deepEqual(await runs('plan9-mips'), [true, true, true])
  })

  it('throws path-unusable for a folder that is none', async () => {
    const file = join(folder, 'file')
    await writeFile(file, '')
    assert.deepEqual((await discoverPlugins([file])).plugins, [])
    await assert.rejects(discoverPlugins(['\0']), (error) => isLmappError(error, 'path-unusable'))
    await assert.rejects(stampOfFolders(['\0']), (error) => isLmappError(error, 'path-unusable'))
  })
})

const record = {
  format: 1,
  name: 'bee',
  version: '1.0.0',
  source: { kind: 'pypi', from: 'lmapp-backend-bee' },
  sha256: '0'.repeat(64),
  directory: 'venv/bee',
  programs: { python: 'venv/bin/python' },
  installedAt: '2026-01-01T00:00:00.000Z',
}

describe('what lmapp installed', () => {
  const discover = () => discoverPlugins([{ installed: join(folder, 'installed') }])

  it('is a plugin where its record says so', async () => {
    const directory = await put('installed/bee/venv/bee', manifest('bee'))
    await put('installed/bee', record, installationFileName)
    const { plugins, warnings } = await discover()
    assert.deepEqual(warnings, [])
    assert.equal(plugins[0]?.directory, directory)
    assert.equal(plugins[0]?.origin, 'installed')
    assert.deepEqual(plugins[0]?.installation, record)
    assert.deepEqual(plugins[0]?.programs, { python: join(folder, 'installed/bee/venv/bin/python') })
  })

  it('is nothing without a record, even with a manifest', async () => {
    await put('installed/.staging-x', manifest('bee'))
    assert.deepEqual(await discover(), { plugins: [], warnings: [] })
  })

  it('is one warning where record and manifest are of two plugins, or there is no manifest', async () => {
    await put('installed/a', record, installationFileName)
    await put('installed/b/venv/bee', manifest('wasp'))
    await put('installed/b', record, installationFileName)
    await put('installed/c', '{', installationFileName)
    const { plugins, warnings } = await discover()
    assert.deepEqual(plugins, [])
    assert.deepEqual(
      warnings.map(({ code }) => code),
      ['config-invalid', 'config-invalid', 'config-invalid'],
    )
    assert.match(warnings[0]?.hint ?? '', /lmapp backends remove bee$/)
  })
})

describe('the stamp', () => {
  const folders = () => [join(folder, 'mine'), { installed: join(folder, 'installed') }]
  const stamps = async () => ({
    all: await stampOfFolders(folders()),
    each: (await discoverPlugins(folders())).plugins.map(({ stamp }) => stamp),
  })

  it('of all folders is the same until a manifest or a record comes, changes or goes', async () => {
    await put('mine/ant', manifest('ant'))
    const first = await stamps()
    assert.deepEqual(await stamps(), first)
    await writeFile(join(folder, 'mine', 'notes.txt'), 'nothing to do with it')
    assert.equal((await stamps()).all, first.all)
    await put('installed/bee/venv/bee', manifest('bee'))
    await put('installed/bee', record, installationFileName)
    const second = await stamps()
    assert.notEqual(second.all, first.all)
    assert.equal(second.each[0], first.each[0])
    await put('mine/ant', manifest('ant', { version: '1.0.1' }))
    const third = await stamps()
    assert.notEqual(third.all, second.all)
    assert.notEqual(third.each[0], second.each[0])
    assert.equal(third.each[1], second.each[1])
    await rename(join(folder, 'installed', 'bee'), join(folder, 'bee'))
    assert.notEqual((await stamps()).all, third.all)
  })

  it('of an installed one is another when only its record was written anew', async () => {
    await put('installed/bee/venv/bee', manifest('bee'))
    await put('installed/bee', record, installationFileName)
    const first = await stamps()
    await put('installed/bee', { ...record, installedAt: '2026-01-02T00:00:00.0Z' }, installationFileName)
    const second = await stamps()
    assert.notEqual(second.each[0], first.each[0])
    assert.notEqual(second.all, first.all)
  })
})
