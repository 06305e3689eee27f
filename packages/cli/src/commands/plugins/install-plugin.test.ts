import assert from 'node:assert/strict'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { createProcessRecords } from '@lmapp/backends/processes'
import { defaultConfig } from '@lmapp/core/config'
import { createDiskModels, createModelLibrary } from '@lmapp/core/models'
import { isLmappError, LmappError } from 'lmapp-kit'
import {
  manifestText,
  packageTarball,
  pluginFiles,
  tarball,
  writeFiles,
} from '../../../../backends/src/plugins/install/testing/plugin-files.ts'
import {
  openRegistry,
  type RegistryServer,
  registryVariables,
} from '../../../../backends/src/plugins/install/testing/registry-server.ts'
import type { Command } from '../../arguments/command-spec.ts'
import type { Arguments } from '../../arguments/parse-arguments.ts'
import { reportFailure } from '../../output/print-error.ts'
import { createBackendTypes } from '../../service/backend-types.ts'
import { tryServiceLock } from '../../service/service-lock.ts'
import { findPlaces } from '../../service/service-places.ts'
import { createScriptedService, type ScriptedService } from '../../testing/scripted-service.ts'
import { createTestContext, type TestContextOptions } from '../../testing/test-context.ts'
import { installBackend } from '../install-backend.ts'
import { builtInNames } from './install-plugin-session.ts'
import { removePlugin } from './remove-plugin.ts'
import { updatePlugins } from './update-plugin.ts'

let home: string
let installed: string
const registries: RegistryServer[] = []
beforeEach(() => {
  home = realpathSync(mkdtempSync(join(tmpdir(), 'lmapp-plugin-')))
  installed = join(home, 'data', 'backends')
})
afterEach(async () => {
  for (const registry of registries.splice(0)) await registry[Symbol.asyncDispose]()
  rmSync(home, { recursive: true })
})

function toArguments(operands: string[], ...options: string[]): Arguments {
  return { operands, has: (option) => options.includes(option), value: () => undefined, values: () => [] }
}

function contextOf(options: TestContextOptions = {}) {
  const none = new LmappError('service-unavailable', 'No service.', { details: { stage: 'connect' } })
  return createTestContext({
    directory: home,
    connect: () => Promise.reject(none),
    ...options,
    environment: {
      LMAPP_HOME: home,
      HOME: home,
      PATH: process.env.PATH,
      MY_SECRET: 'sk-1',
      ...registryVariables('http://127.0.0.1:9', home),
      ...options.environment,
    },
  })
}

/** As the command line runs it, also what goes wrong. */
async function run(command: Command, args: Arguments, options: TestContextOptions = {}) {
  const context = contextOf(options)
  const code = await command(context, args).catch((error) => {
    assert.ok(isLmappError(error), String(error.stack))
    return reportFailure(context.stderr, error, {})
  })
  return { code, stdout: context.stdout.text, stderr: context.stderr.text }
}

const install = (source: string, ...options: string[]) => run(installBackend, toArguments([source], ...options))
const events = (stdout: string) =>
  stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))

const answering = (answer: string): TestContextOptions => ({
  stdin: answer,
  stdinKind: 'terminal',
  stderr: { isTerminal: true, columns: 400 },
})

const bee = (extra: object = {}, files: Record<string, string> = {}) =>
  writeFiles(join(home, 'bee'), { ...pluginFiles('bee', extra), ...files })
const configure = (config: object) => writeFileSync(join(home, 'config.json'), JSON.stringify(config))
const names = () => (existsSync(installed) ? readdirSync(installed).filter((name) => name !== 'install.lock') : [])
const record = (name: string) => JSON.parse(readFileSync(join(installed, name, 'install.json'), 'utf8'))
const versionOf = (name: string) => record(name).version

async function serve(content: Parameters<typeof openRegistry>[0]) {
  const registry = await openRegistry(content)
  registries.push(registry)
  return { registry, environment: registryVariables(registry.url, home) }
}

const npmBee = (version: string) =>
  packageTarball({ ...pluginFiles('bee', { version }), 'package.json': `{"name":"lmapp-backend-bee"}` })

describe('lmapp backends install', () => {
  it('shows what will run and what it may touch, asks, and then installs', async () => {
    const description = 'A bee\u001b[2J that\nhums.'
    await bee({ description, command: ['./bee', '--with', 'two words'], language: 'rust' })
    configure({ backends: { hive: { type: 'bee', apiKeyEnv: 'BEE_KEY' } } })
    const { code, stdout, stderr } = await run(installBackend, toArguments(['./bee']), answering('y\n'))
    assert.equal(code, 0, stderr)
    for (const words of [
      /Plugin +bee 1\.0\.0, written in rust/,
      /Says +A bee␛\[2J that hums\./,
      new RegExp(`From +${home}/bee\n`),
      /SHA-256 +[0-9a-f]{64}\n/,
      /Will run +\.\/bee --with "two words"\n/,
      /May touch +.*all your files and the network/,
      new RegExp(`Keeps +${home}/data/backend-data/bee\n`),
      /Is told +.*HOME.*PATH/,
      /Secrets +what is in BEE_KEY/,
      /Install bee 1\.0\.0\? \[y\/N\] $/,
    ]) {
      assert.match(stderr, words)
    }
    for (const secret of ['MY_SECRET', 'sk-1', '\u001b[2J']) assert.ok(!stderr.includes(secret))
    assert.equal(stdout, `bee 1.0.0 is ready: ${join(installed, 'bee')}\n`)
    assert.deepEqual(names(), ['bee'])
  })

  it("shows a stranger's words so that they can neither turn a line around nor push the others away", async () => {
    await bee({ version: `1\u202e${'9'.repeat(100_000)}`, language: 'x'.repeat(100_000) })
    const { stderr } = await run(installBackend, toArguments(['./bee']), answering('n\n'))
    assert.match(stderr, /Plugin +bee\s+1\ufffd9+…\s+\(200\d+ characters\)\n/)
    assert.match(stderr, /Install bee 1\ufffd9{38}\? \[y\/N\]/)
    assert.ok(stderr.length < 10_000)
  })

  it('installs nothing without a yes, and needs --yes where nobody can answer', async () => {
    await bee()
    const no = await run(installBackend, toArguments(['./bee']), answering('n\n'))
    assert.equal(no.code, 0)
    assert.match(no.stderr, /Nothing was installed/)
    const nobody = await run(installBackend, toArguments(['./bee']), { stdin: '' })
    assert.equal(nobody.code, 2)
    assert.match(nobody.stderr, /Say yes: lmapp backends install --yes \.\/bee/)
    assert.deepEqual(names(), [])
  })

  it('says what is here already, and asks nothing', async () => {
    await bee()
    await install('./bee', 'yes')
    const again = await run(installBackend, toArguments(['./bee']), { stdin: '' })
    assert.deepEqual([again.code, again.stdout], [0, `bee 1.0.0 is here already: ${join(installed, 'bee')}\n`])
  })

  it('says that another one of that name came from elsewhere', async () => {
    await bee()
    await install('./bee', 'yes')
    writeFileSync(join(home, 'other.tgz'), packageTarball(pluginFiles('bee', { version: '2.0.0' })))
    await writeFiles(join(home, 'backends', 'mine'), pluginFiles('bee'))
    const { stderr } = await run(installBackend, toArguments(['./other.tgz']), answering('y\n'))
    assert.ok(stderr.includes(`Replaces   bee 1.0.0, WHICH CAME FROM ELSEWHERE: ${home}/bee\n`), stderr)
    assert.match(stderr, /But +.*backends\/mine has the same name, and comes before it/)
    assert.match(stderr, /Replace bee 1\.0\.0, which came from .*bee, by bee 2\.0\.0 from .*other\.tgz\?/)
    assert.equal(versionOf('bee'), '2.0.0')
  })

  it('tells a program one line of JSON for each step, and a failure as the last', async () => {
    await bee()
    const { code, stdout, stderr } = await install('./bee', 'yes', 'json')
    assert.deepEqual([code, stderr], [0, ''])
    const lines = events(stdout)
    assert.deepEqual(lines[0], { type: 'progress', status: `copying ${home}/bee` })
    const { sha256 } = record('bee')
    const done = { type: 'done', name: 'bee', version: '1.0.0', path: join(installed, 'bee'), sha256, changed: true }
    assert.deepEqual(lines.at(-1), done)
    await bee({ name: 'ollama' })
    const failed = await install('./bee', 'yes', 'json')
    assert.equal(failed.code, 2)
    assert.equal(events(failed.stdout).at(-1).error.code, 'bad-input')
  })

  it('knows the settings that a plugin wants, and how other kinds of execution run', async () => {
    const config_schema = { type: 'object', required: ['command', 'cwd'] }
    await bee({ execution: 'ffi', library: './bee.so', config_schema })
    configure({ backends: { bee: { type: 'bee', config: { cwd: '/' } } } })
    const { stderr } = await install('./bee', 'yes')
    assert.match(stderr, /Will run +ffi: \.\/bee\.so/)
    assert.match(stderr, /It needs settings first: backends\.bee\.config\.command\. Set them: lmapp config edit/)
    await bee({ execution: 'grpc', address: 'unix:/run/bee' })
    assert.match((await install('./bee', 'yes')).stderr, /Will run +grpc: unix:\/run\/bee/)
  })

  it('takes a hostile archive for what it is', async () => {
    const file = join(home, 'evil.tgz')
    const manifest = { path: 'lmapp-backend.json', data: manifestText('evil') }
    writeFileSync(file, tarball([manifest, { path: '../../evil', data: 'x' }]))
    const { code, stderr } = await install('./evil.tgz', 'yes')
    assert.equal(code, 2)
    assert.match(stderr, /leads out of it/)
    assert.deepEqual(names(), [])
  })

  it('waits for another one that installs, and stops when it is asked to', async () => {
    await bee()
    mkdirSync(installed, { recursive: true })
    const lock = tryServiceLock(join(installed, 'install.lock'))
    const context = contextOf({ stderr: { isTerminal: true, columns: 200 } })
    const first = installBackend(context, toArguments(['./bee'], 'yes'))
    await context.stderr.until(/Another lmapp .*waiting/)
    context.send('SIGINT')
    assert.equal(await first, 130)
    assert.match(context.stderr.text, /Stopped\. What is installed stays as it was\./)
    const again = contextOf({ stderr: { isTerminal: true, columns: 200 } })
    const second = installBackend(again, toArguments(['./bee'], 'yes'))
    await again.stderr.until(/waiting/)
    lock?.[Symbol.dispose]()
    assert.equal(await second, 0)
  })

  it('lets no other one begin before it has ended', async () => {
    await bee()
    const first = contextOf({ ...answering(''), stdin: new PassThrough() })
    const asking = installBackend(first, toArguments(['./bee']))
    await first.stderr.until(/\[y\/N\]/)
    const second = contextOf({ stderr: { isTerminal: true, columns: 200 } })
    const waiting = installBackend(second, toArguments(['./bee'], 'yes'))
    await second.stderr.until(/Another lmapp .*waiting/)
    first.send('SIGINT')
    assert.equal(await asking, 130)
    assert.equal(await waiting, 0)
    assert.deepEqual(names(), ['bee'])
  })

  it('stops at its question, too', async () => {
    await bee()
    const context = contextOf({ ...answering(''), stdin: new PassThrough() })
    const ended = installBackend(context, toArguments(['./bee']))
    await context.stderr.until(/\[y\/N\]/)
    context.send('SIGTERM')
    assert.equal(await ended, 143)
    assert.deepEqual(names(), [])
  })
})

describe('a known name', () => {
  const shipped = JSON.parse(readFileSync(new URL('../../../registry.json', import.meta.url), 'utf8'))

  it('leads to where the list says, with its checksum', async () => {
    const { environment } = await serve({ npm: { 'lmapp-backend-node-cli': { '0.1.0': npmBee('0.1.0') } } })
    const { code, stderr } = await run(installBackend, toArguments(['node-cli'], 'yes'), { environment })
    assert.equal(code, 0, stderr)
    assert.deepEqual(record('bee').source, { kind: 'npm', from: 'lmapp-backend-node-cli', known: 'node-cli' })
    assert.deepEqual(Object.keys(shipped.backends), ['node-cli', 'python-llm'])
  })

  it('comes from a list of the user’s own: a file, whose folders are relative to it', async () => {
    await bee()
    const list = join(home, 'lists', 'mine.json')
    await writeFiles(join(home, 'lists'), {
      'mine.json': JSON.stringify({ format: 1, backends: { hum: { source: '../bee', description: 'Hums.' } } }),
    })
    configure({ sources: { backends: list } })
    assert.equal((await install('hum', 'yes')).code, 0)
    assert.deepEqual(record('bee').source, { kind: 'folder', from: join(home, 'bee'), known: 'hum' })
    assert.match((await install('node-cli', 'yes')).stderr, /Known: .*hum/)
    rmSync(list)
    const gone = await install('hum', 'yes')
    assert.equal(gone.code, 11)
    assert.match(gone.stderr, /mine\.json cannot be read \(ENOENT\)/)
  })

  it('comes from a list at an address, which must answer with one', async () => {
    const { registry, environment } = await serve({ npm: { 'lmapp-backend-bee': { '1.0.0': npmBee('1.0.0') } } })
    const sha256 = '0'.repeat(64)
    const backends = { bee: { source: 'npm:lmapp-backend-bee' }, wrong: { source: 'npm:lmapp-backend-bee', sha256 } }
    let answer: Buffer | string | number = JSON.stringify({ format: 1, backends })
    registry.instead = ({ url }, response) => {
      if (!url?.startsWith('/list')) return false
      response.writeHead(typeof answer === 'number' ? answer : 200).end(typeof answer === 'number' ? '' : answer)
      return true
    }
    configure({ sources: { backends: `${registry.url}/list` } })
    const from = (name: string, more: NodeJS.ProcessEnv = {}) =>
      run(installBackend, toArguments([name], 'yes'), { environment: { ...environment, ...more } })
    assert.equal((await from('bee')).code, 0)
    assert.match((await from('wrong')).stderr, /another checksum/)
    assert.match((await from('bee', { LMAPP_OFFLINE: '1' })).stderr, /LMAPP_OFFLINE forbids/)
    for (const [wrong, words] of [
      [404, /answered 404/],
      ['<html>', /it is no JSON|It is no JSON/],
      [Buffer.alloc(5_000_000), /far too long/],
    ] as const) {
      answer = wrong
      const { code, stderr } = await from('bee')
      assert.ok([2, 11].includes(code), stderr)
      assert.match(stderr, words)
    }
    configure({ sources: { backends: 'http://127.0.0.1:9/list' } })
    assert.match((await from('bee')).stderr, /cannot be had from 127\.0\.0\.1:9\/list/)
    configure({ sources: { backends: 'lists/mine.json' } })
    assert.match((await from('bee')).stderr, /sources\.backends is neither/)
  })

  it('that nobody knows is told with the nearest ones, or with what is here', async () => {
    assert.match((await install('python-lm', 'yes')).stderr, /Did you mean: lmapp backends install python-llm\n/)
    await bee()
    assert.match((await install('bee', 'yes')).stderr, /It is here: lmapp backends install \.\/bee/)
    await writeFiles(join(home, '.local/lib/node_modules/lmapp-backend-wasp'), pluginFiles('wasp'))
    assert.match((await install('wasp', 'yes')).stderr, /It is here: lmapp backends install npm:lmapp-backend-wasp/)
  })
})

describe('lmapp backends update', () => {
  const update = (name: string | undefined, options: TestContextOptions = {}, ...flags: string[]) =>
    run(updatePlugins, toArguments(name === undefined ? [] : [name], ...flags), options)

  it('brings what is newer, from where it came, and says when nothing is', async () => {
    const versions: Record<string, Buffer> = { '1.0.0': npmBee('1.0.0') }
    const { environment } = await serve({ npm: { 'lmapp-backend-bee': versions } })
    await run(installBackend, toArguments(['npm:lmapp-backend-bee@1.0.0'], 'yes'), { environment })
    const newest = await update('bee', { environment, stdin: '' })
    assert.deepEqual([newest.code, newest.stdout], [0, `bee 1.0.0 is the newest already: ${join(installed, 'bee')}\n`])
    versions['1.1.0'] = npmBee('1.1.0')
    const nobody = await update('bee', { environment, stdin: '' })
    assert.match(nobody.stderr, /Say yes: lmapp backends update --yes bee/)
    const { code, stderr } = await update('bee', { environment, ...answering('y\n') })
    assert.equal(code, 0, stderr)
    assert.match(stderr, /Replace bee 1\.0\.0 by bee 1\.1\.0\?/)
    assert.equal(versionOf('bee'), '1.1.0')
  })

  it('brings all where none is named; one that fails keeps the others from nothing', async () => {
    assert.match((await update(undefined)).stderr, /No plugin is installed/)
    await bee()
    await writeFiles(join(home, 'ant'), pluginFiles('ant'))
    await install('./ant', 'yes')
    await install('./bee', 'yes')
    rmSync(join(home, 'ant'), { recursive: true })
    await bee({ version: '1.0.1' })
    mkdirSync(join(installed, 'broken'))
    writeFileSync(join(installed, 'broken', 'install.json'), '{')
    const { code, stdout, stderr } = await update(undefined, {}, 'yes')
    assert.equal(code, 2)
    assert.match(stderr, /broken.install\.json is no record/)
    assert.match(stderr, /ant: There is nothing at/)
    assert.match(stdout, /bee 1\.0\.1 is ready/)
    assert.equal(versionOf('ant'), '1.0.0')
    const lines = events((await update(undefined, {}, 'yes', 'json')).stdout)
    assert.deepEqual(
      lines.filter(({ type }) => type !== 'progress').map(({ type, changed, error }) => [type, changed ?? error?.code]),
      [
        ['error', 'not-found'],
        ['done', false],
      ],
    )
  })

  it('follows a known name to where the list leads now, or else to where it came from', async () => {
    await bee()
    const list = join(home, 'list.json')
    const write = (backends: object) => writeFileSync(list, JSON.stringify({ format: 1, backends }))
    configure({ sources: { backends: list } })
    write({ hum: { source: './bee' } })
    await install('hum', 'yes')
    await bee({ version: '1.0.1' })
    write({})
    assert.equal((await update('bee', {}, 'yes')).code, 0)
    assert.equal(versionOf('bee'), '1.0.1')
  })

  it('never brings a plugin of another name', async () => {
    await bee()
    await install('./bee', 'yes')
    await writeFiles(join(home, 'ant'), pluginFiles('ant'))
    await install('./ant', 'yes')
    await bee({ name: 'ant' })
    const { code, stderr } = await update('bee', {}, 'yes')
    assert.equal(code, 2)
    assert.match(stderr, /bee has "ant" now, and no "bee" any more\.\n.*lmapp backends remove bee, then: lmapp/)
    assert.equal(record('ant').source.from, join(home, 'ant'))
  })

  it('touches nothing that lmapp did not install', async () => {
    await writeFiles(join(home, 'backends', 'mine'), pluginFiles('mine'))
    await bee()
    await install('./bee', 'yes')
    for (const [name, words] of [
      ['mine', /a folder of your own, so lmapp does not touch it: .*backends\/mine/],
      ['ollama', /comes with lmapp/],
      ['be', /Did you mean "bee"\?/],
      ['quite-another', /See: lmapp backends list/],
    ] as const) {
      for (const command of [updatePlugins, removePlugin]) {
        const { code, stderr } = await run(command, toArguments([name], 'yes'))
        assert.equal(code, 2)
        assert.match(stderr, words)
      }
    }
    assert.ok(existsSync(join(home, 'backends', 'mine')))
  })
})

describe('lmapp backends remove', () => {
  const remove = (name: string, ...flags: string[]) => run(removePlugin, toArguments([name], ...flags))

  it('asks, and removes the plugin and, if told so, what it keeps', async () => {
    const data = await writeFiles(join(home, 'data', 'backend-data', 'bee'), { 'honey.txt': '' })
    await bee()
    await install('./bee', 'yes')
    const no = await run(removePlugin, toArguments(['bee']), answering('\n'))
    assert.ok(no.stderr.includes(`Remove bee 1.0.0 (${join(installed, 'bee')})? [y/N] `), no.stderr)
    assert.match(no.stderr, /Nothing was removed/)
    const nobody = await run(removePlugin, toArguments(['bee'], 'data'), { stdin: '' })
    assert.match(nobody.stderr, /, and what it keeps in .*backend-data.bee\?/)
    assert.match(nobody.stderr, /Say yes: lmapp backends remove --yes --data bee/)
    assert.equal((await remove('bee', 'yes')).stdout, 'bee is removed.\n')
    assert.deepEqual([names(), existsSync(data)], [[], true])
    await install('./bee', 'yes')
    const { stdout } = await remove('bee', 'yes', 'data', 'json')
    assert.deepEqual(JSON.parse(stdout), { removed: 'bee', path: join(installed, 'bee'), data })
    assert.deepEqual([names(), existsSync(data), existsSync(join(home, 'bee'))], [[], false, true])
  })

  it('removes a broken one, and never what lies elsewhere', async () => {
    await writeFiles(join(installed, 'broken'), { 'install.json': '{' })
    assert.equal((await remove('broken', 'yes')).code, 0)
    assert.deepEqual(names(), [])
    await bee()
    for (const name of ['../bee', '..', '.', '', '/', `${home}/bee`, 'install.lock']) {
      assert.equal((await remove(name, 'yes', 'data')).code, 2, name)
    }
    assert.ok(existsSync(join(home, 'bee')))
    assert.ok(existsSync(installed))
  })
})

describe('a service that runs', () => {
  const asked = (service: ScriptedService) => service.requests.map(({ route }) => route)
  const backends = [
    { name: 'bee', type: 'bee' },
    { name: 'maya', type: 'bee' },
    { name: 'bee-keeper', type: 'ollama' },
  ]

  it('ends the backend, under all its names, before its files are replaced or removed', async () => {
    await bee()
    const service = createScriptedService(({ route }) => ({ json: route === 'GET /backends' ? backends : {} }))
    const options = { connect: service.connect }
    await run(installBackend, toArguments(['./bee'], 'yes'), options)
    assert.deepEqual(asked(service), [])
    await bee({ version: '2.0.0' })
    await run(installBackend, toArguments(['./bee'], 'yes'), options)
    assert.deepEqual(asked(service), ['GET /backends', 'POST /backends/bee/stop', 'POST /backends/maya/stop'])
    await run(removePlugin, toArguments(['bee'], 'yes'), options)
    assert.equal(asked(service).length, 6)
  })

  it('that does not know it is no obstacle; one that cannot end it is', async () => {
    await bee()
    await install('./bee', 'yes')
    const answers = (code: 'not-found' | 'not-owner' | 'internal') =>
      createScriptedService(({ route }) =>
        route === 'GET /backends' ? { json: backends } : { error: new LmappError(code, 'No.').toData() },
      )
    for (const code of ['not-found', 'not-owner'] as const) {
      await install('./bee', 'yes')
      const { connect } = answers(code)
      assert.equal((await run(removePlugin, toArguments(['bee'], 'yes'), { connect })).code, 0)
    }
    await install('./bee', 'yes')
    const { connect } = answers('internal')
    assert.equal((await run(removePlugin, toArguments(['bee'], 'yes'), { connect })).code, 1)
    assert.deepEqual(names(), ['bee'])
  })
})

it('the names that no plugin may have are those of the types that lmapp brings', () => {
  const environment = { LMAPP_HOME: home }
  const places = findPlaces(environment)
  const { modelsDir, cacheDir } = places
  const types = createBackendTypes({
    places,
    environment,
    config: async () => defaultConfig(),
    memoryMb: () => undefined,
    library: createModelLibrary({ modelsDir, cacheDir, environment }),
    disk: createDiskModels({
      ...{ homeDir: home, platform: process.platform, cacheDir, environment, leaveOut: [] },
      settings: async () => ({ scan: false, folders: [] }),
    }),
    records: createProcessRecords({ dir: join(home, 'processes') }),
  })
  assert.deepEqual([...builtInNames].sort(), types.map(({ name }) => name).sort())
})
