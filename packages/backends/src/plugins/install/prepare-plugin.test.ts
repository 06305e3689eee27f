import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { preparePlugin } from './prepare-plugin.ts'
import { removeFromPlace } from './staging.ts'
import { failure, from, type InstallFixture, openInstallFixture } from './testing/install-fixture.ts'
import { manifestText, packageTarball, pluginFiles, tarball, writeFiles } from './testing/plugin-files.ts'

let at: InstallFixture
beforeEach(async () => {
  at = await openInstallFixture()
})
afterEach(() => at[Symbol.asyncDispose]())

describe('a folder', () => {
  it('is copied, recorded with its checksum, and then discovered', async () => {
    const source = await at.bee({ 'node_modules/x/index.js': '', 'lib/a.js': '' })
    await using prepared = await preparePlugin(from('folder', source), at.contextOf())
    assert.deepEqual([prepared.manifest.name, prepared.needs, prepared.isHere], ['bee', [], false])
    assert.deepEqual(await at.discover(), [])
    const record = await prepared.install()
    const [plugin] = await at.discover()
    assert.deepEqual(plugin?.installation, record)
    assert.equal(plugin?.directory, join(at.installedDir, 'bee', 'plugin'))
    assert.deepEqual((await readdir(plugin.directory)).sort(), ['lib', 'lmapp-backend.json', 'main.js'])
    assert.equal(record.sha256, prepared.sha256)
    assert.deepEqual(record.source, { kind: 'folder', from: source })
  })

  it('of another checksum takes the place of the one before; the same one is here already', async () => {
    const source = await at.bee()
    await at.install(from('folder', source))
    {
      await using again = await preparePlugin(from('folder', source), at.contextOf())
      assert.equal(again.isHere, true)
    }
    await at.bee({ 'main.js': 'changed' })
    {
      await using changed = await preparePlugin(from('folder', source), at.contextOf())
      assert.deepEqual([changed.isHere, changed.replaces?.source.from], [false, source])
      let seen = ''
      await changed.install(async () => {
        seen = await readFile(join(at.installedDir, 'bee', 'plugin', 'main.js'), 'utf8')
      })
      assert.match(seen, /never run/)
    }
    assert.equal(await readFile(join(at.installedDir, 'bee', 'plugin', 'main.js'), 'utf8'), 'changed')
    assert.deepEqual(await at.installed(), ['bee'])
  })

  it('without a manifest, or with plugins in it, is none', async () => {
    const empty = await writeFiles(join(at.folder, 'empty'), { 'notes.txt': '' })
    assert.match((await failure(at.install(from('folder', empty)), 'bad-input')).hint, /lmapp backends new/)
    await at.bee()
    assert.match((await failure(at.install(from('folder', at.folder)), 'bad-input')).message, /has bee in it/)
    await writeFiles(join(at.folder, 'odd'), {})
    await mkdir(join(at.folder, 'odd', 'lmapp-backend.json'))
    await failure(at.install(from('folder', join(at.folder, 'odd'))), 'config-invalid')
    assert.deepEqual(await at.installed(), [])
  })

  it('whose manifest is wrong is named, and not the copy that was looked at', async () => {
    const source = await at.bee({ 'lmapp-backend.json': '{\n"name": 1}' })
    const error = await failure(at.install(from('folder', source)), 'config-invalid')
    assert.ok(error.message.startsWith(`${source}/lmapp-backend.json:2: `), error.message)
    assert.doesNotMatch(error.hint, /staging/)
  })

  it('with a link that leads out is refused', async () => {
    const source = await at.bee()
    await symlink(at.folder, join(source, 'out'))
    await failure(at.install(from('folder', source)), 'bad-input')
    assert.deepEqual(await at.installed(), [])
  })
})

describe('an archive', () => {
  it('is unpacked, whether its files are in a folder or not', async () => {
    const file = join(at.folder, 'bee.tgz')
    await writeFile(file, packageTarball(pluginFiles('bee')))
    const record = await at.install(from('tarball', file))
    assert.deepEqual([record.directory, record.source], ['plugin', { kind: 'tarball', from: file }])
    const flat = join(at.folder, 'flat.tar.gz')
    const entries = Object.entries(pluginFiles('flat')).map(([path, data]) => ({ path: `./${path}`, data }))
    await writeFile(flat, tarball(entries))
    await at.install(from('tarball', flat))
    assert.deepEqual(
      (await at.discover()).map(({ manifest }) => manifest.name),
      ['bee', 'flat'],
    )
  })

  it('with no manifest or two of them is refused', async () => {
    const file = join(at.folder, 'bee.tgz')
    await writeFile(file, packageTarball({ 'index.js': '' }))
    await failure(at.install(from('tarball', file)), 'bad-input')
    const text = manifestText('bee')
    const twice = ['a', 'b'].map((name) => ({ path: `${name}/lmapp-backend.json`, data: text }))
    await writeFile(file, tarball(twice))
    assert.match((await failure(at.install(from('tarball', file)), 'bad-input')).message, /has a, b in it/)
    await writeFile(file, packageTarball({ 'lmapp-backend.json': '{\n"name": 1}' }))
    const { message } = await failure(at.install(from('tarball', file)), 'config-invalid')
    assert.ok(message.startsWith(`${file}/lmapp-backend.json:2: `), message)
    await writeFile(file, 'no archive')
    const damaged = await failure(at.install(from('tarball', file)), 'download-failed')
    assert.ok(damaged.message.startsWith(`${file} is damaged: `), damaged.message)
    const wheel = join(at.folder, 'bee.whl')
    await writeFile(wheel, 'no archive')
    const broken = await failure(at.install(from('tarball', wheel)), 'download-failed')
    assert.ok(broken.message.startsWith(`${wheel} is a damaged wheel: `), broken.message)
    assert.deepEqual(await at.installed(), [])
  })

  it('with another checksum than the one that is known is not even unpacked', async () => {
    const file = join(at.folder, 'bee.tgz')
    await writeFile(file, packageTarball(pluginFiles('bee')))
    await failure(at.install({ ...from('tarball', file), sha256: '0'.repeat(64) }), 'checksum-mismatch')
    const { sha256 } = await at.install(from('tarball', file))
    await at.install({ ...from('tarball', file), sha256 })
    await rm(file)
    await failure(at.install(from('tarball', file)), 'path-unusable')
    assert.equal((await at.discover()).length, 1)
  })
})

describe('a plugin that has no place here', () => {
  it('is refused by name, interface version or platform', async () => {
    for (const [extra, code] of [
      [{ name: 'ollama' }, 'bad-input'],
      [{ interface_version: '2.0' }, 'interface-version'],
      [{ platforms: ['plan9-mips'] }, 'unsupported'],
    ] as const) {
      const source = await writeFiles(join(at.folder, 'bee'), pluginFiles('bee', extra))
      await failure(at.install(from('folder', source)), code)
    }
    assert.deepEqual(await at.installed(), [])
  })
})

describe('an installation that is cut short', () => {
  it('by its user ends the tool, and leaves what is here', async () => {
    const registry = await at.serve({ npm: {} })
    await at.install(from('folder', await at.bee()))
    const stopping = new AbortController()
    registry.instead = () => {
      stopping.abort()
      return true
    }
    const cut = at.install(from('npm', 'lmapp-backend-bee'), { registry, signal: stopping.signal })
    await assert.rejects(cut, { name: 'AbortError' })
    assert.deepEqual(await at.installed(), ['bee'])
  })

  it('by the death of its process leaves nothing that the next one does not remove or put back', async () => {
    await at.install(from('folder', await at.bee()))
    await writeFiles(at.installedDir, {
      '.staging-x/plugin/install.json': '{}',
      '.removed-fly/x': '',
      '.replaced-bee/x': '',
    })
    await writeFiles(join(at.installedDir, '.replaced-wasp'), pluginFiles('wasp'))
    await at.install(from('folder', await writeFiles(join(at.folder, 'ant'), pluginFiles('ant'))))
    assert.deepEqual(await at.installed(), ['ant', 'bee', 'wasp'])
  })

  it('by its last question keeps what is there', async () => {
    await at.install(from('folder', await at.bee()))
    await using prepared = await preparePlugin(from('folder', await at.bee({ 'new.js': '' })), at.contextOf())
    await assert.rejects(
      prepared.install(() => Promise.reject(new Error('no'))),
      { message: 'no' },
    )
    const [plugin] = await at.discover()
    assert.deepEqual((await readdir(plugin?.directory ?? '')).sort(), ['lmapp-backend.json', 'main.js'])
  })
})

describe('a record that is broken', () => {
  it('is replaced like what is not there', async () => {
    await writeFiles(join(at.installedDir, 'bee'), { 'install.json': '{' })
    await using prepared = await preparePlugin(from('folder', await at.bee()), at.contextOf())
    assert.deepEqual([prepared.replaces, prepared.isHere], [undefined, false])
    await prepared.install()
    assert.equal((await at.discover()).length, 1)
  })
})

describe('the folder of plugins', () => {
  it('keeps what was there when the new one cannot be moved there', async () => {
    await at.install(from('folder', await at.bee()))
    const before = await at.discover()
    await using prepared = await preparePlugin(from('folder', await at.bee({ 'new.js': '' })), at.contextOf())
    const lost = prepared.install(async () => {
      const staging = (await readdir(at.installedDir)).find((name) => name.startsWith('.staging-')) ?? ''
      await rm(join(at.installedDir, staging, 'plugin'), { recursive: true })
    })
    await failure(lost, 'path-unusable')
    assert.deepEqual(await at.discover(), before)
  })

  it('that cannot be made or used is named', async () => {
    await writeFile(join(at.folder, 'data'), '')
    const error = await failure(at.install(from('folder', await at.bee())), 'path-unusable')
    assert.ok(error.message.includes(at.installedDir))
  })

  it('gives a plugin back: it is gone at once, with all that it has', async () => {
    await at.install(from('folder', await at.bee()))
    await removeFromPlace(at.installedDir, 'bee')
    assert.deepEqual(await at.installed(), [])
    await failure(removeFromPlace(at.installedDir, 'bee'), 'path-unusable')
  })
})
