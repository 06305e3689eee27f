import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { writeWheel } from '../../../../core/src/models/testing/wheel-bytes.ts'
import type { WantedPlugin } from './plugin-source.ts'
import { preparePlugin } from './prepare-plugin.ts'
import {
  failure,
  from,
  type InstallFixture,
  type InstallOptions,
  openInstallFixture,
} from './testing/install-fixture.ts'
import { manifestText, writeFiles } from './testing/plugin-files.ts'

let at: InstallFixture
beforeEach(async () => {
  at = await openInstallFixture()
})
afterEach(() => at[Symbol.asyncDispose]())

describe('what a folder needs', () => {
  it('gets what it needs of pip in an environment of its own, which outlives the move', async () => {
    await writeWheel(at.folder, 'helper', {
      'helper.py': Buffer.from('seven = 7\ndef main(): print("script", seven)\n'),
    })
    const entry = '[console_scripts]\nhelper=helper:main\n'
    const wheel = await writeWheel(at.folder, 'other', { 'other-1.0.dist-info/entry_points.txt': Buffer.from(entry) })
    const requirements = `${join(at.folder, 'helper-1.0-py3-none-any.whl')}\n${join(at.folder, wheel)}\n`
    const command = ['python3', 'main.py']
    const source = await writeFiles(join(at.folder, 'wasp'), {
      'lmapp-backend.json': manifestText('wasp', { language: 'python', command }),
      'requirements.txt': requirements,
    })
    await at.install(from('folder', source), { offline: true })
    const [plugin] = await at.discover()
    const python = join(at.installedDir, 'wasp', 'venv', 'bin', 'python')
    assert.deepEqual(plugin?.programs, { python, python3: python })
    const print = 'import helper, sys; print(helper.seven, sys.prefix)'
    assert.equal(
      execFileSync(python, ['-c', print], { encoding: 'utf8' }),
      `7 ${join(at.installedDir, 'wasp', 'venv')}\n`,
    )
    assert.equal(execFileSync(join(dirname(python), 'helper'), { encoding: 'utf8' }), 'script 7\n')
    assert.deepEqual(await at.installed(), ['wasp'])
  })
})

describe('a package of PyPI', () => {
  it('is fetched by pip, and installed into an environment of its own', async () => {
    const member = 'lmapp_backend_wasp/lmapp-backend.json'
    const command = ['python3', '-m', 'lmapp_backend_wasp']
    const text = manifestText('wasp', { version: '2.0', language: 'python', command })
    const members = { [member]: Buffer.from(text), 'lmapp_backend_wasp/__main__.py': Buffer.from('') }
    const file = await writeWheel(at.folder, 'lmapp-backend-wasp', members, { version: '2.0' })
    const registry = await at.serve({
      pypi: { 'lmapp-backend-wasp': { [file]: await readFile(join(at.folder, file)) } },
    })
    const wanted = { ...from('pypi', 'lmapp_backend_wasp'), version: '2.0' }
    const record = await at.install(wanted, { registry })
    assert.match(record.directory, /^venv\/lib\/python3[^/]*\/site-packages\/lmapp_backend_wasp$/)
    assert.equal((await at.discover())[0]?.manifest.version, '2.0')

    const error = await failure(at.install(from('pypi', 'lmapp-backend-nobody'), { registry }), 'download-failed')
    assert.match(error.hint, /^pip says: No matching distribution/)
    registry.instead = ({ url }, response) => {
      if (!url?.startsWith('/file/')) return false
      response.end('no wheel at all')
      return true
    }
    await failure(at.install(wanted, { registry }), 'download-failed')
    await failure(at.install(wanted, { registry, offline: true }), 'offline')
    assert.deepEqual(await at.installed(), ['wasp'])
  })
})

describe('without Python or pip', () => {
  it('says which one is missing, and how it comes', async () => {
    const variables = { PATH: join(at.folder, 'bin') }
    await mkdir(join(at.folder, 'bin'))
    const context = at.contextOf({ variables })
    const python = await failure(preparePlugin(from('pypi', 'bee'), context), 'tool-missing')
    assert.match(python.hint, /^Run: |^Install/)
    await writeFile(join(at.folder, 'bin', 'python3'), '#!/bin/sh\necho "No module named pip" >&2\nexit 1\n')
    await chmod(join(at.folder, 'bin', 'python3'), 0o755)
    assert.match((await failure(preparePlugin(from('pypi', 'bee'), context), 'tool-missing')).message, /no pip/)
  })
})

describe('a Python of another kind', () => {
  /** A program in place of python3, which is asked by pip and venv what this script answers. */
  async function python(script: string): Promise<InstallOptions> {
    await writeFiles(join(at.folder, 'bin'), { python3: `#!/bin/sh\nfor last; do :; done\n${script}\n` })
    await chmod(join(at.folder, 'bin', 'python3'), 0o755)
    return { variables: { PATH: `${join(at.folder, 'bin')}:/usr/bin:/bin` } }
  }
  const version = (pip: string) => `case "$*" in *--version) echo "pip ${pip} from x"; exit 0;; esac`
  const member = 'lmapp_backend_wasp/lmapp-backend.json'

  async function wheel(): Promise<WantedPlugin> {
    const text = manifestText('wasp', { language: 'python' })
    await writeFile(join(at.folder, 'manifest.json'), text)
    return from('tarball', join(at.folder, await writeWheel(at.folder, 'wasp', { [member]: Buffer.from(text) })))
  }

  it('that can make no environment, or whose pip fails, says so', async () => {
    const wanted = await wheel()
    const noVenv = await python(`${version('24.0')}\necho "ensurepip is not available"; exit 1`)
    assert.match((await failure(at.install(wanted, noVenv), 'tool-missing')).message, /virtual environment/)
    const noPip = await python(
      `${version('24.0')}\ncase "$*" in "-m venv"*) exit 0;; esac; printf 'ERROR: \\033[31mno\\n' >&2; exit 2`,
    )
    assert.equal((await failure(at.install(wanted, noPip), 'download-failed')).hint, 'pip says: [31mno')
    assert.deepEqual(await at.installed(), [])
  })

  it('whose pip is old makes an environment that has its own pip', async () => {
    const made = `mkdir -p "$last/bin" "$last/lib/python3.10/site-packages/lmapp_backend_wasp"; cp "$0" "$last/bin/python"`
    const text = join(at.folder, 'manifest.json')
    const put = `${made}; cp ${text} "$last/lib/python3.10/site-packages/${member}"`
    const options = await python(`${version('22.0.2')}\ncase "$*" in "-m venv /"*) ${put};; *--python*) exit 3;; esac`)
    const record = await at.install(await wheel(), options)
    assert.equal(record.directory, `venv/lib/python3.10/site-packages/lmapp_backend_wasp`)
  })

  it('that installs another manifest than the one that was shown installs nothing', async () => {
    const put = `mkdir -p "$last/bin" "$last/lib/python3.10/site-packages/lmapp_backend_wasp"; echo '{}' > "$last/lib/python3.10/site-packages/${member}"`
    const options = await python(`${version('24.0')}\ncase "$*" in *venv*without-pip*) ${put};; esac`)
    assert.match((await failure(at.install(await wheel(), options), 'bad-input')).message, /another manifest/)
    assert.deepEqual(await at.installed(), [])
  })
})
