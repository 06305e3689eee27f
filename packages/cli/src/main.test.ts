import assert from 'node:assert/strict'
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { openTerminal } from './testing/terminal.ts'
import { openTestService, type TestService } from './testing/test-service.ts'

const main = fileURLToPath(new URL('./main.ts', import.meta.url))
let service: TestService

before(async () => {
  service = await openTestService({
    echo: {},
    slow: { reply: 'word ', repeatTokens: 5000, paceMs: 5, promptMs: 200 },
    long: { reply: 'line\n', repeatTokens: 100_000 },
    'to-pull': { installed: false },
    'slow-pull': { installed: false },
  })
})
after(() => service[Symbol.asyncDispose]())

type Child = ChildProcessByStdio<null, Readable, Readable>

function start(argv: readonly string[], environment: NodeJS.ProcessEnv = {}): Child {
  return spawn(process.execPath, ['--conditions=lmapp-source', main, ...argv], {
    env: { ...service.environment, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

async function finish(child: Child) {
  const closed = once(child, 'close')
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const [code] = await closed
  return { code, stdout, stderr }
}

const lmapp = (argv: readonly string[], environment?: NodeJS.ProcessEnv) => finish(start(argv, environment))

describe('the program', () => {
  it('tells its version', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
    for (const argv of [['--version'], ['-V'], ['version'], ['models', '--version']]) {
      assert.deepEqual(await lmapp(argv), { code: 0, stdout: `${version}\n`, stderr: '' })
    }
  })

  it('shows its help, and that of a command', async () => {
    for (const word of ['--help', 'help']) {
      assert.match((await lmapp([word])).stdout, /^lmapp: one app over every engine/)
    }
    assert.equal((await lmapp(['-m', 'box/echo', 'help', 'me'])).stdout, 'help me\n')
    assert.match((await lmapp(['history', 'list', '--help'])).stdout, /^Usage: lmapp history list \[OPTIONS\]/)
  })

  it('answers, with its exit code', async () => {
    assert.deepEqual(await lmapp(['-m', 'box/echo', 'hello']), { code: 0, stdout: 'hello\n', stderr: '' })
    assert.equal((await lmapp(['--nonsense'])).code, 2)
  })

  it('has colours in a pipe only when told to', async () => {
    assert.equal((await lmapp(['--nonsense', 'x'])).stderr.includes('\u001b'), false)
    assert.ok((await lmapp(['--nonsense', '--color', 'x'])).stderr.includes('\u001b[31mlmapp:'))
    assert.ok((await lmapp(['--nonsense', 'x'], { FORCE_COLOR: '1' })).stderr.includes('\u001b[31mlmapp:'))
    const last = await lmapp(['--nonsense', '--color', '--no-color', '--', '--color'], { FORCE_COLOR: '1' })
    assert.equal(last.stderr.includes('\u001b'), false)
  })

  it('ends quietly when the reader of stdout has enough, and cancels the run', async () => {
    const child = start(['-m', 'box/long', 'x'])
    let stderr = ''
    child.stderr.on('data', (chunk) => {
      stderr += chunk
    })
    await once(child.stdout, 'data')
    child.stdout.destroy()
    const [code] = await once(child, 'close')
    assert.equal(code, 0)
    assert.equal(stderr, '')
    const stored = await service.client.lastConversation('named:test')
    assert.equal(stored.messages.at(-1)?.state, 'stopped')
  })

  it('says when stdout is full, and keeps the answer', async () => {
    const full = openSync('/dev/full', 'w')
    const child = spawn(process.execPath, ['--conditions=lmapp-source', main, '-m', 'box/echo', 'kept'], {
      env: service.environment,
      stdio: ['ignore', full, 'pipe'],
    })
    closeSync(full)
    let stderr = ''
    child.stderr?.on('data', (chunk) => {
      stderr += chunk
    })
    const [code] = await once(child, 'close')
    assert.equal(code, 11)
    assert.match(stderr, /stdout cannot be written \(ENOSPC\)/)
  })

  it('is stopped by signals, with the exit code of each', async () => {
    for (const [signal, expected] of [
      ['SIGINT', 130],
      ['SIGTERM', 143],
      ['SIGHUP', 129],
    ] as const) {
      const child = start(['-m', 'box/slow', 'x'])
      const finished = finish(child)
      await once(child.stdout, 'data')
      child.kill(signal)
      const { code, stdout } = await finished
      assert.equal(code, expected)
      assert.match(stdout, /^word /)
    }
    const [run] = await service.client.listRuns()
    assert.ok(run, 'the one whose terminal closed goes on')
    await service.client.cancelRun(run.id)
  })

  it('is ended at once by a signal where there is nothing to keep', async () => {
    const child = start(['models', 'pull', 'x'])
    const finished = finish(child)
    child.kill('SIGTERM')
    assert.notEqual((await finished).code, 0)
  })
})

describe('the program on a terminal', () => {
  const open = (argv: readonly string[]) =>
    openTerminal({ argv, environment: { ...service.environment, NO_COLOR: '1' } })

  it('shows the phases, the answer as it comes, and the usage after it', async () => {
    await using terminal = open(['-m', 'box/slow', '-o', 'max_tokens=40', 'x'])
    await terminal.until(/reading the prompt[^\r]*\r/)
    await terminal.until(/word word word word/)
    await terminal.until(/length limit \(40 tokens\)/)
    await terminal.until(/box\/slow · 40 tokens · \d+ tok\/s · first token \d/)
    assert.equal(await terminal.exited, 10)
  })

  it('asks before it fetches what is not the default', async () => {
    await using no = open(['models', 'pull', 'qwen3-4b'])
    await no.until(/Fetch qwen3-4b \(2\.5 GB, Apache-2\.0\)\? \[y\/N\] /)
    no.type('\r')
    await no.until(/Nothing was fetched/)
    assert.equal(await no.exited, 0)
    await using yes = open(['models', 'pull', 'box/to-pull'])
    await yes.until(/Fetch box\/to-pull\? \[y\/N\] /)
    yes.type('yes\r')
    await yes.until(/box\/to-pull is ready/)
    assert.equal(await yes.exited, 0)
  })

  it('stops at Ctrl-C, which the terminal turns into a signal', async () => {
    await using terminal = open(['-m', 'box/slow', 'x'])
    await terminal.until(/word/)
    terminal.type('\u0003')
    await terminal.until(/stopped; what arrived is kept/)
    assert.equal(await terminal.exited, 130)
  })

  it('has no interactive chat without anything on the other side', async () => {
    await using terminal = open(['--json'])
    await terminal.until(/needs a terminal/)
    assert.equal(await terminal.exited, 2)
  })
})
