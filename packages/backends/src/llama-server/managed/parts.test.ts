/** What the managed llama-server is made of, one by one. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { chmod, mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { type ServerArguments, toServerArguments } from './arguments.ts'
import { modelInArguments } from './index.ts'
import { parseFlags, parseVersion } from './program-facts.ts'
import { parseAddress, readServerLog } from './server-log.ts'
import { findSocketPlace } from './socket-place.ts'
import { memoryInArguments, readUserArguments } from './user-arguments.ts'

describe('the arguments', () => {
  const all = ['--cache-ram', '--cors-origins', '--offline', '--no-ui', '--no-webui', '--jinja', '--embeddings']
  const build = (more: Partial<ServerArguments> = {}, user: string[] = [], flags: string[] = all) =>
    toServerArguments({
      facts: { flags: new Set(flags) },
      user: readUserArguments(user),
      modelPath: '/m/a.gguf',
      alias: 'a',
      plan: { contextLength: 4096, slots: 2 },
      listenAt: { socketPath: '/run/x.sock' },
      threads: 2,
      embeds: false,
      ...more,
    })
  const common = ['-c', '8192', '-np', '2', '-t', '2']

  it('of a new build close every door', () => {
    assert.deepEqual(build(), [
      ...['-m', '/m/a.gguf', '-a', 'a', '--host', '/run/x.sock', ...common],
      ...['--cache-ram', '0', '--cors-origins', 'localhost', '--offline', '--no-ui', '--jinja'],
    ])
  })

  it('of a build that knows little are those that every build knows', () => {
    const listenAt = { port: 0 }
    const due = ['-m', '/m/a.gguf', '-a', 'a', '--host', '127.0.0.1', '--port', '0', ...common]
    assert.deepEqual(build({ listenAt }, [], []), due)
    assert.deepEqual(build({ listenAt }, [], ['--no-webui']), [...due, '--no-webui'])
    assert.deepEqual(build({ listenAt, modelPath: undefined }, [], []), due.slice(2))
  })

  it('leave out what the user says otherwise, under whatever name', () => {
    const user = ['--model', '/m/b.gguf', '--ctx-size', '100', '--threads', '1', '--port', '1', '--webui', '--no-jinja']
    assert.deepEqual(build({}, user), [
      ...['-a', 'a', '-np', '2', '--cache-ram', '0', '--cors-origins', 'localhost', '--offline', '--no-ui'],
      ...user,
    ])
  })

  it('of a model that embeds let a whole text into one batch', () => {
    assert.deepEqual(build({ embeds: true }, [], ['--embeddings', '-b', '-ub']).slice(-5), [
      ...['--embeddings', '-b', '4096', '-ub', '4096'],
    ])
  })

  it('of the user are read for what they fix', () => {
    const memory = (...args: string[]) => memoryInArguments(readUserArguments(args))
    assert.deepEqual(memory('-c', '4096', '-np', '4'), { fixedContext: 1024, slots: 4 })
    assert.deepEqual(memory('--ctx-size', '4096'), { fixedContext: 4096, slots: 1 })
    assert.deepEqual(memory('--parallel', '3'), { slots: 3 })
    assert.deepEqual([memory(), memory('-c', '0'), memory('-c'), memory('-c', 'x')], [{}, {}, {}, {}])
    assert.equal(modelInArguments(['-t', '1', '-m', '/m/a.gguf']), '/m/a.gguf')
    assert.equal(modelInArguments([]), undefined)
  })
})

describe('what a program says', () => {
  it('of its version', () => {
    assert.equal(parseVersion('version: 4719 (fc1b0d0)\nbuilt with cc'), 'b4719-fc1b0d0')
    assert.equal(parseVersion('version: 0.6.0-dev (build 11434, commit fc1b0d0)'), 'b11434-fc1b0d0')
    assert.equal(parseVersion('version: 7'), '7')
    assert.equal(parseVersion('hello'), undefined)
  })

  it('of its options: all spellings, not those that were removed or are only mentioned', () => {
    const flags = parseFlags(
      [
        '-c,    --ctx-size N                     size, see --mentioned-here not',
        '                                        --only-mentioned',
        '  -kvo,  --kv-offload, -nkvo, --no-kv-offload',
        '--draft N                               the argument has been removed.',
        'usage: x --not-this',
      ].join('\r\n'),
    )
    for (const flag of ['-c', '--ctx-size', '-kvo', '--no-kv-offload']) assert.ok(flags.has(flag), flag)
    for (const flag of ['--only-mentioned', '--draft', '--not-this']) assert.ok(!flags.has(flag), flag)
  })

  it('may be anything', () => {
    for (const text of ['', '\0'.repeat(1000), `-${'-a'.repeat(100_000)}`, randomBytes(100_000).toString('latin1')]) {
      parseFlags(text)
      parseVersion(text)
      parseAddress(text)
    }
  })
})

describe('the log', () => {
  it('tells the address in the words of each generation', () => {
    const cases: Record<string, string | undefined> = {
      '0.00.3 I srv llama_server: listening on http://127.0.0.1:41234': 'http://127.0.0.1:41234',
      'main: server is listening on http://127.0.0.1:8080 - starting the main loop': 'http://127.0.0.1:8080',
      'main: HTTP server is listening, hostname: 127.0.0.1, port: 8081, http threads: 3': 'http://127.0.0.1:8081',
      '{"function":"server_cli","hostname":"127.0.0.1","level":"INFO","msg":"HTTP server listening","port":"8082"}':
        'http://127.0.0.1:8082',
      'llama server listening at http://0.0.0.0:8083': 'http://127.0.0.1:8083',
      'llama server listening at http://127.0.0.1:0': undefined,
      'listening on unix:///x.sock': undefined,
      'HTTP server is listening': undefined,
      'hostname: 127.0.0.1, port: 8081': undefined,
    }
    for (const [line, address] of Object.entries(cases)) assert.equal(parseAddress(line), address, line)
  })

  it('counts the dots of a load, however they are cut, and no others', () => {
    const told: (number | undefined)[] = []
    const log = readServerLog((percent) => told.push(percent))
    log.write('....\nload_model: loa')
    log.write('ding model\n..')
    assert.equal(log.loading, true)
    log.write('...')
    log.write('..x...')
    log.write(`\n${'.'.repeat(200)}\n`)
    assert.deepEqual(told, [undefined, 2, 5, 5, undefined])
  })

  it('keeps the last lines, and bounds each', () => {
    const log = readServerLog(() => {})
    for (let line = 0; line < 50; line += 1) log.write(`line ${line}\r\n`)
    log.write('x'.repeat(100_000))
    const tail = log.tail()
    assert.equal(tail.length, 20)
    assert.deepEqual([tail[0], tail[18], tail[19]?.length], ['line 31', 'line 49', 4096])
    assert.equal(log.address, undefined)
  })
})

describe('the place of a socket', { skip: process.platform === 'win32' }, () => {
  it('is in a folder of our own, from which what a dead service left is removed', async () => {
    const runtimeDir = await mkdtemp(join(tmpdir(), 'lmapp-s-'))
    try {
      const folder = join(runtimeDir, 'engines')
      await mkdir(folder, { mode: 0o755 })
      await chmod(folder, 0o755)
      for (const name of ['1-abc.sock', `${process.pid}-abc.sock`, 'notes.txt']) await writeFile(join(folder, name), '')
      const path = await findSocketPlace({ runtimeDir })
      assert.match(path ?? '', new RegExp(`/engines/${process.pid}-[0-9a-f]{12}\\.sock$`))
      assert.equal((await stat(folder)).mode & 0o777, 0o700)
      assert.deepEqual((await readdir(folder)).sort(), [`${process.pid}-abc.sock`, 'notes.txt'].sort())
    } finally {
      await rm(runtimeDir, { recursive: true })
    }
  })

  it('is none on Windows, where the path is too long, or where the folder is not one', async () => {
    const runtimeDir = await mkdtemp(join(tmpdir(), 'lmapp-s-'))
    try {
      assert.equal(await findSocketPlace({ runtimeDir, platform: 'win32' }), undefined)
      assert.equal(await findSocketPlace({ runtimeDir: join(runtimeDir, 'x'.repeat(100)) }), undefined)
      await symlink(tmpdir(), join(runtimeDir, 'engines'))
      assert.equal(await findSocketPlace({ runtimeDir }), undefined)
      await writeFile(join(runtimeDir, 'file'), '')
      assert.equal(await findSocketPlace({ runtimeDir: join(runtimeDir, 'file') }), undefined)
    } finally {
      await rm(runtimeDir, { recursive: true })
    }
  })
})
