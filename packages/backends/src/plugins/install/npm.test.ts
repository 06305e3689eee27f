import assert from 'node:assert/strict'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { preparePlugin } from './prepare-plugin.ts'
import { failure, from, type InstallFixture, openInstallFixture } from './testing/install-fixture.ts'
import { packageTarball, pluginFiles } from './testing/plugin-files.ts'
import type { RegistryServer } from './testing/registry-server.ts'

let at: InstallFixture
beforeEach(async () => {
  at = await openInstallFixture()
})
afterEach(() => at[Symbol.asyncDispose]())

describe('what a folder needs', () => {
  it('gets what it needs of npm beside it, and none of the scripts there is run', async () => {
    const proof = join(at.folder, 'proof')
    const scripts = { install: `touch ${proof}`, postinstall: `touch ${proof}`, prepare: `touch ${proof}` }
    const helper = { name: 'helper', version: '1.0.0', main: 'index.js', scripts }
    await writeFile(
      join(at.folder, 'helper.tgz'),
      packageTarball({ 'package.json': JSON.stringify(helper), 'index.js': 'module.exports = 7' }),
    )
    const manifest = {
      name: 'bee',
      scripts,
      dependencies: { helper: 'file:../helper.tgz' },
      devDependencies: { x: '9' },
    }
    const npmrc = `git=${proof}\nregistry=http://127.0.0.1:9/\nignore-scripts=false\n`
    const source = await at.bee({ 'package.json': JSON.stringify(manifest), '.npmrc': npmrc })
    await using prepared = await preparePlugin(from('folder', source), at.contextOf())
    assert.deepEqual(prepared.needs, ['npm'])
    await prepared.install()
    const { directory } = (await at.discover())[0] ?? { directory: '' }
    assert.equal(createRequire(join(directory, 'main.js'))('helper'), 7)
    await assert.rejects(readFile(proof))
  })
})

describe('a package of npm', () => {
  const npmPackage = (version: string, files: Record<string, string> = {}) =>
    packageTarball({
      ...pluginFiles('bee', { version }),
      'package.json': JSON.stringify({ name: 'lmapp-backend-bee', version }),
      ...files,
    })
  const npm = { 'lmapp-backend-bee': { '1.0.0': npmPackage('1.0.0'), '1.1.0': npmPackage('1.1.0') } }
  const wanted = from('npm', 'lmapp-backend-bee')

  it('is fetched by npm: the newest, or the version that was asked for', async () => {
    const registry = await at.serve({ npm })
    const statuses: string[] = []
    const old = await at.install(
      { ...wanted, version: '1.0.0' },
      { registry, report: (status) => statuses.push(status) },
    )
    assert.equal(old.version, '1.0.0')
    assert.deepEqual(statuses.slice(0, 2), ['fetching npm:lmapp-backend-bee 1.0.0', 'unpacking npm:lmapp-backend-bee'])
    const record = await at.install(wanted, { registry })
    assert.deepEqual([record.version, record.source], ['1.1.0', wanted.source])
  })

  it('that cannot be fetched says what npm says, and leaves what is here', async () => {
    const registry = await at.serve({ npm })
    await at.install(wanted, { registry })
    const before = await at.discover()
    const nobody = await failure(at.install(from('npm', 'lmapp-backend-nobody'), { registry }), 'download-failed')
    assert.match(nobody.hint, /^npm says: .*Not Found/)
    const wrongs: RegistryServer['instead'][] = [
      ({ url }, response) => {
        if (!url?.startsWith('/file/')) return false
        response.end(npmPackage('6.6.6'))
        return true
      },
      ({ url }, response) => {
        if (!url?.startsWith('/file/')) return false
        response.writeHead(200, { 'content-length': 5000 })
        response.write('x'.repeat(100), () => response.destroy())
        return true
      },
    ]
    for (const instead of wrongs) {
      registry.instead = instead
      await rm(join(at.folder, 'npm-cache'), { recursive: true, force: true })
      assert.match((await failure(at.install(wanted, { registry }), 'download-failed')).hint, /^npm says: ./)
    }
    assert.deepEqual(await at.discover(), before)
    assert.deepEqual(await at.installed(), ['bee'])
  })

  it('is not asked for where LMAPP_OFFLINE forbids it, nor is what a plugin needs', async () => {
    const registry = await at.serve({ npm })
    await failure(at.install(wanted, { registry, offline: true }), 'offline')
    const source = await at.bee({ 'package.json': '{"dependencies":{"lmapp-backend-bee":"1.0.0"}}' })
    await failure(at.install(from('folder', source), { registry, offline: true }), 'offline')
    assert.deepEqual(registry.requests, [])
    assert.deepEqual(await at.installed(), [])
  })
})

describe('without npm', () => {
  it('says that it is missing, and how it comes', async () => {
    const context = at.contextOf({ variables: { PATH: join(at.folder, 'bin') } })
    const error = await failure(preparePlugin(from('npm', 'bee'), context), 'tool-missing')
    assert.deepEqual(error.details, { tool: 'npm' })
  })
})
