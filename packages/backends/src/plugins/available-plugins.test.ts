import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmod, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { isLmappError, manifestFileName } from 'lmapp-kit'
import { type AvailableOptions, findAvailablePlugins } from './available-plugins.ts'
import { toManifest } from './fixtures/open-fixture.ts'

let home = ''
beforeEach(async () => {
  home = await realpath(await mkdtemp(join(tmpdir(), 'lmapp-available-')))
})
afterEach(() => rm(home, { recursive: true }))

async function put(path: string, content?: object | string): Promise<string> {
  const directory = join(home, path)
  await mkdir(directory, { recursive: true })
  const name = path.split('/').at(-1)?.toLowerCase().replaceAll('_', '-') ?? ''
  const text = typeof content === 'string' ? content : JSON.stringify(content ?? toManifest(['./x'], { name }))
  await writeFile(join(directory, manifestFileName), text)
  return directory
}

async function program(path: string): Promise<void> {
  await mkdir(dirname(join(home, path)), { recursive: true })
  await writeFile(join(home, path), '#!/bin/sh\nexit 1\n')
  await chmod(join(home, path), 0o755)
}

const nowhere = { npm: [], pypi: [] }
const find = (environment: AvailableOptions['environment'] = {}, options: Partial<AvailableOptions> = {}) =>
  findAvailablePlugins({
    environment,
    homeDir: home,
    platform: 'linux',
    arch: 'x64',
    systemFolders: nowhere,
    ...options,
  })
const namesOf = async (...args: Parameters<typeof find>) =>
  (await find(...args)).plugins.map(({ source }) => `${source.kind}:${source.from}`)

describe('packages of npm', () => {
  it('are found in the folder of its settings, by their name, when they have a manifest', async () => {
    const directory = await put('prefix/lib/node_modules/lmapp-backend-ant')
    await put('prefix/lib/node_modules/other-package')
    await mkdir(join(home, 'prefix/lib/node_modules/lmapp-backend-empty'))
    const { plugins, warnings } = await find({ NPM_CONFIG_PREFIX: join(home, 'prefix') })
    assert.deepEqual(warnings, [])
    const manifest = toManifest(['./x'], { name: 'lmapp-backend-ant' })
    const source = { kind: 'npm', from: 'lmapp-backend-ant' }
    assert.deepEqual(plugins, [{ manifest, source, directory, runsHere: true }])
  })

  it('are found where the user’s .npmrc says', async () => {
    await put('a b/lib/node_modules/lmapp-backend-ant')
    for (const line of [`prefix=${home}/a b`, 'prefix = "~/a b"', `a=1\n  prefix=$\{HOME}/a b\nb=2`]) {
      await writeFile(join(home, '.npmrc'), `${line}\n`)
      assert.deepEqual(await namesOf(), ['npm:lmapp-backend-ant'], line)
    }
    await rm(join(home, '.npmrc'))
    execFileSync('mkfifo', [join(home, '.npmrc')])
    assert.deepEqual(await namesOf(), [])
  })

  it('are found beside the npm and the node in PATH, also behind links, and in the usual places', async () => {
    await program('node-24/bin/node')
    await program('other/bin/npm')
    await mkdir(join(home, 'bin'))
    await symlink(join(home, 'node-24/bin/node'), join(home, 'bin/node'))
    await put('node-24/lib/node_modules/lmapp-backend-a')
    await put('other/lib/node_modules/lmapp-backend-b')
    await put('.nvm/versions/node/v24.1.0/lib/node_modules/lmapp-backend-c')
    await put('.npm-global/lib/node_modules/lmapp-backend-d')
    await put('system/lmapp-backend-e')
    await put('system/lmapp-backend-a', toManifest(['./x'], { name: 'second' }))
    const PATH = `${home}/bin:${home}/other/bin`
    const systemFolders = { npm: [join(home, 'system')], pypi: [] }
    assert.deepEqual(
      await namesOf({ PATH }, { systemFolders }),
      ['a', 'b', 'c', 'd', 'e'].map((name) => `npm:lmapp-backend-${name}`),
    )
    const { plugins } = await find({ PATH }, { systemFolders })
    assert.equal(plugins[0]?.manifest.name, 'lmapp-backend-a')
  })

  it('are never looked for in the working directory, nor where a relative PATH leads', async () => {
    await put('node_modules/lmapp-backend-evil')
    await put('lib/node_modules/lmapp-backend-evil')
    await program('bin/node')
    const before = process.cwd()
    process.chdir(home)
    try {
      assert.deepEqual(await namesOf({ PATH: 'bin:./bin', NPM_CONFIG_PREFIX: '.' }), [])
    } finally {
      process.chdir(before)
    }
  })

  it('are in another place on Windows', async () => {
    await put('roaming/npm/node_modules/lmapp-backend-ant')
    await put('roaming/Python/Python311/site-packages/lmapp_backend_bee')
    await put('local/Programs/Python/Python312/Lib/site-packages/lmapp_backend_wasp')
    const environment = { APPDATA: join(home, 'roaming'), LOCALAPPDATA: join(home, 'local') }
    assert.deepEqual(await namesOf(environment, { platform: 'win32' }), [
      'npm:lmapp-backend-ant',
      'pypi:lmapp_backend_bee',
      'pypi:lmapp_backend_wasp',
    ])
    assert.deepEqual(await namesOf({}, { platform: 'win32' }), [])
  })
})

describe('packages of PyPI', () => {
  it('are found in the user’s folder, in that of the python3 in PATH, of pyenv and of the system', async () => {
    await put('.local/lib/python3.11/site-packages/lmapp_backend_a')
    await program('conda/bin/python3')
    await put('conda/lib/python3.12/site-packages/lmapp_backend_b')
    await put('.pyenv/versions/3.13.1/lib/python3.13/site-packages/lmapp_backend_c')
    await put('dist-packages/lmapp_backend_d')
    await put('dist-packages/lmapp_backend', {})
    const systemFolders = { npm: [], pypi: [join(home, 'dist-packages')] }
    assert.deepEqual(
      await namesOf({ PATH: `${home}/conda/bin` }, { systemFolders }),
      ['a', 'b', 'c', 'd'].map((name) => `pypi:lmapp_backend_${name}`),
    )
    await put('env/versions/3.13.1/lib/python3.13/site-packages/lmapp_backend_e')
    assert.deepEqual(
      await namesOf({ PYENV_ROOT: join(home, 'env') }),
      ['a', 'e'].map((name) => `pypi:lmapp_backend_${name}`),
    )
  })

  it('are found on a Mac in the library', async () => {
    await put('Library/Python/3.12/lib/python/site-packages/lmapp_backend_a')
    assert.deepEqual(await namesOf({}, { platform: 'darwin' }), ['pypi:lmapp_backend_a'])
  })
})

describe('findAvailablePlugins', () => {
  it('warns of a manifest that is broken, and says what does not run here', async () => {
    await put('.local/lib/node_modules/lmapp-backend-broken', '{')
    await put('.local/lib/node_modules/lmapp-backend-mac', toManifest(['./x'], { platforms: ['darwin-arm64'] }))
    const { plugins, warnings } = await find()
    assert.ok(isLmappError(warnings[0], 'config-invalid'))
    assert.deepEqual(
      plugins.map(({ runsHere }) => runsHere),
      [false],
    )
  })

  it('looks at the places of this system without being told', async () => {
    const { plugins } = await findAvailablePlugins({ environment: process.env, homeDir: home })
    assert.ok(Array.isArray(plugins))
  })
})
