import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { isLmappError } from 'lmapp-kit'
import type { Arguments } from '../arguments/parse-arguments.ts'
import { reportFailure } from '../output/print-error.ts'
import { createTestContext, type TestContextOptions } from '../testing/test-context.ts'
import { installBackend } from './install-backend.ts'

const program = Buffer.alloc(30_000, 'llamafile ')
const sum = createHash('sha256').update(program).digest('hex')
const version = '1.0.0-test'
const name = `llamafile-${version}`
const operand = `llamafile@${version}`

let home: string
let mirror: string
let path: string

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'lmapp-install-'))
  mirror = join(home, 'mirror')
  path = join(home, 'data', 'engines', name, 'llamafile')
  mkdirSync(join(mirror, version), { recursive: true })
  writeFileSync(join(mirror, version, name), program)
  writeFileSync(join(mirror, version, `${name}.sha256`), sum)
  configure(mirror)
})
afterEach(() => rmSync(home, { recursive: true }))

function configure(llamafile: string): void {
  writeFileSync(join(home, 'config.json'), JSON.stringify({ sources: { llamafile } }))
}

function toArguments(operands: string[], ...options: string[]): Arguments {
  return { operands, has: (option) => options.includes(option), value: () => undefined, values: () => [] }
}

function contextOf(options: TestContextOptions = {}) {
  return createTestContext({ ...options, environment: { LMAPP_HOME: home, ...options.environment } })
}

/** As the command line runs it, also what goes wrong. */
async function run(args: Arguments, options: TestContextOptions = {}) {
  const context = contextOf(options)
  const code = await installBackend(context, args).catch((error) => {
    assert.ok(isLmappError(error), String(error))
    return reportFailure(context.stderr, error, {})
  })
  return { code, stdout: context.stdout.text, stderr: context.stderr.text }
}

const answering = (answer: string): TestContextOptions => ({
  stdin: answer,
  stdinKind: 'terminal',
  stderr: { isTerminal: true, columns: 400 },
})

describe('lmapp backends install llamafile', () => {
  it('asks first, with what is fetched, from where and where it goes', async () => {
    const { code, stdout, stderr } = await run(toArguments([operand]), answering('y\n'))
    assert.equal(code, 0, stderr)
    const question = `Fetch llamafile ${version} (30.0 kB, Apache-2.0) from ${mirror} to ${path}? [y/N] `
    assert.ok(stderr.includes(question), stderr)
    assert.equal(stdout, `llamafile ${version} is ready: ${path}\n`)
    assert.deepEqual(readFileSync(path), program)
  })

  it('fetches nothing without a yes', async () => {
    const { code, stdout, stderr } = await run(toArguments([operand]), answering('n\n'))
    assert.deepEqual([code, stdout], [0, ''])
    assert.match(stderr, /Nothing was fetched/)
    assert.ok(!existsSync(path))
  })

  it('needs --yes where nobody can answer', async () => {
    const { code, stderr } = await run(toArguments([operand]), { stdin: '' })
    assert.equal(code, 2)
    assert.match(stderr, /Say yes: lmapp backends install --yes llamafile@1\.0\.0-test/)
  })

  it('takes the version that lmapp knows best where none is named', async () => {
    rmSync(join(home, 'config.json'))
    const { code, stderr } = await run(toArguments(['llamafile']), { stdin: '' })
    assert.equal(code, 2)
    assert.match(stderr, /Fetch llamafile 0\.10\.\d+ \(368 MB, Apache-2\.0\) from github\.com\/mozilla-ai\/llamafile\//)
  })

  it('needs no network for a folder, and says so where it would need one', async () => {
    const environment = { LMAPP_OFFLINE: '1' }
    assert.equal((await run(toArguments([operand], 'yes'), { environment })).code, 0)
    configure('http://127.0.0.1:1')
    const { code, stderr } = await run(toArguments(['llamafile@2.0']), { environment, stdin: '' })
    assert.equal(code, 11)
    assert.match(stderr, /LMAPP_OFFLINE forbids fetching it/)
  })

  it('does nothing, and asks nothing, when it is here', async () => {
    await run(toArguments([operand], 'yes'))
    const { code, stdout } = await run(toArguments([operand]), { stdin: '' })
    assert.deepEqual([code, stdout], [0, `llamafile ${version} is here already: ${path}\n`])
  })

  it('tells a program one line of JSON for each step, and a failure as the last', async () => {
    const { code, stdout, stderr } = await run(toArguments([operand], 'yes', 'json'))
    assert.deepEqual([code, stderr], [0, ''])
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    assert.deepEqual(lines.at(-1), { type: 'done', name: 'llamafile', version, path })
    assert.equal(lines[0].type, 'progress')
    writeFileSync(join(mirror, version, `${name}.sha256`), '0'.repeat(64))
    rmSync(path)
    const failed = await run(toArguments([operand], 'yes', 'json'))
    assert.equal(failed.code, 11)
    assert.equal(JSON.parse(failed.stdout.trim().split('\n').at(-1) ?? '').error.code, 'checksum-mismatch')
    assert.ok(!existsSync(path))
  })

  it('takes other names for plugins, and a version for what it is', async () => {
    for (const [other, words] of [
      ['', /The source is empty/],
      ['llamafiles', /Did you mean: lmapp backends install llamafile\n/],
      ['quite-another', /Known: .*llamafile/],
    ] as const) {
      const { code, stderr } = await run(toArguments([other], 'yes'), { environment: { PATH: '' } })
      assert.equal(code, 2)
      assert.match(stderr, words)
    }
    assert.match((await run(toArguments(['llamafile@'], 'yes'))).stderr, /is no version of llamafile/)
  })

  it('that is stopped says how it goes on', async () => {
    const server = createServer((request, response) => {
      if (!request.url?.endsWith(name)) return void response.end(`${sum}  ${name}\n`)
      response.writeHead(200, { 'content-length': program.length }).write(program.subarray(0, 15_000))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    configure(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    for (const options of [[], ['json']]) {
      const output = { isTerminal: true, columns: 200 }
      const context = contextOf({ stderr: output, stdout: output })
      const ended = installBackend(context, toArguments([operand], 'yes', ...options))
      await (options.length > 0 ? context.stdout : context.stderr).until(/50 %|"done":15000/)
      context.send('SIGINT')
      assert.equal(await ended, 130)
      const notice = /Stopped\. What arrived is kept; go on: lmapp backends install --yes llamafile@1\.0\.0-test\n$/
      if (options.length === 0) assert.match(context.stderr.text, notice)
      else assert.equal(context.stderr.text, '')
    }
    const closed = Promise.withResolvers<void>()
    server.close(() => closed.resolve())
    server.closeAllConnections()
    await closed.promise
  })
})
