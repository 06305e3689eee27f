import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { isLmappError, manifestFileName } from 'lmapp-kit'
import { currentPlatform, discoverPlugins } from './discover-plugins.ts'
import { toManifest } from './fixtures/open-fixture.ts'

describe('discoverPlugins', () => {
  let folder = ''
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lmapp-plugins-'))
  })
  afterEach(() => rm(folder, { recursive: true }))

  async function install(path: string, content: object | string): Promise<string> {
    const directory = join(folder, path)
    await mkdir(directory, { recursive: true })
    const text = typeof content === 'string' ? content : JSON.stringify(content)
    await writeFile(join(directory, manifestFileName), text)
    return directory
  }

  const manifest = (name: string, extra = {}) => toManifest(['./run'], { name, ...extra })

  it('reads the manifests of folders, in their order, and runs nothing', async () => {
    const second = await install('mine/zebra', manifest('zebra'))
    const first = await install('mine/ant', manifest('ant', { command: ['./does-not-exist'] }))
    await install('installed/bee', manifest('bee'))
    const { plugins, warnings } = await discoverPlugins([join(folder, 'mine'), join(folder, 'installed')])
    assert.deepEqual(warnings, [])
    assert.deepEqual(
      plugins.map((plugin) => plugin.manifest.name),
      ['ant', 'zebra', 'bee'],
    )
    assert.deepEqual([plugins[0]?.directory, plugins[1]?.directory], [first, second])
    assert.equal(plugins[0]?.file, join(first, manifestFileName))
  })

  it('ignores a missing folder, files, and folders without a manifest', async () => {
    await mkdir(join(folder, 'mine', 'node_modules'), { recursive: true })
    await writeFile(join(folder, 'mine', 'notes.txt'), '')
    assert.deepEqual(await discoverPlugins([join(folder, 'mine'), join(folder, 'nowhere')]), {
      plugins: [],
      warnings: [],
    })
  })

  it('warns of what is broken, and lists the rest', async () => {
    await install('broken', '{\n"name": 1')
    await install('unreadable/lmapp-backend.json', '')
    await install('whole', manifest('whole'))
    const { plugins, warnings } = await discoverPlugins([folder])
    assert.equal(plugins.length, 1)
    assert.ok(warnings.every((warning) => isLmappError(warning, 'config-invalid')))
    assert.match(warnings[0]?.message ?? '', /broken.lmapp-backend\.json:2: /)
    assert.match(warnings[1]?.message ?? '', /cannot be read/)
  })

  it('takes the first of two with one name, and warns of the second', async () => {
    const first = await install('a/x', manifest('same'))
    await install('b/y', manifest('same'))
    const { plugins, warnings } = await discoverPlugins([join(folder, 'a'), join(folder, 'b')])
    assert.deepEqual(
      plugins.map(({ directory }) => directory),
      [first],
    )
    assert.match(warnings[0]?.message ?? '', /the name "same" is taken by/)
  })

  it('says which of them run on this platform', async () => {
    await install('all', manifest('all'))
    await install('here', manifest('here', { platforms: ['plan9-mips', currentPlatform] }))
    await install('there', manifest('there', { platforms: ['plan9-mips'] }))
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
  })
})
