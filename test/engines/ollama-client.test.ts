/** The command line of the real Ollama, pointed at lmapp by OLLAMA_HOST, as a user would do it. */
import assert from 'node:assert/strict'
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer, request as forward } from 'node:http'
import type { AddressInfo } from 'node:net'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { ggufBytes } from '../../packages/core/src/models/testing/gguf-bytes.ts'
import { bare, createHome, type Home, installTestModel, type Running, until } from '../support/home.ts'

const cache =
  process.env.LMAPP_TEST_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'lmapp-test')
const binary = join(cache, 'ollama/bin/ollama')
const model = 'smollm2-135m'

let home: Home
let serving: Running
/** As `lmapp serve` printed it: whoever comes by it is a guest. */
let address: string
/** Before it, and shows a key that may change models: the command line itself has no way to send one. */
let door: Door

interface Result {
  code: number | null
  /** Without what moves the cursor. */
  stdout: string
  stderr: string
  /** Pieces in which stdout arrived. */
  pieces: number
}

function environment(host: string): Record<string, string> {
  return { PATH: process.env.PATH ?? '', HOME: home.env.HOME ?? '', OLLAMA_HOST: host, TERM: 'xterm' }
}

async function ollama(args: string[], { stdin = '', host = address } = {}): Promise<Result> {
  const child = spawn(binary, args, { env: environment(host) })
  const texts = { stdout: '', stderr: '' }
  let pieces = 0
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      texts[name] += text
      if (name === 'stdout') pieces += 1
    })
  }
  child.stdin.end(stdin)
  const [code] = await once(child, 'close')
  const [stdout, stderr] = [texts.stdout, texts.stderr].map((text) => stripVTControlCharacters(text))
  return { code, stdout: stdout ?? '', stderr: stderr ?? '', pieces }
}

async function succeeds(args: string[], options?: { stdin?: string; host?: string }): Promise<Result> {
  const result = await ollama(args, options)
  assert.equal(result.code, 0, `${args.join(' ')}: ${result.stdout}${result.stderr}`)
  return result
}

async function fails(args: string[], message: RegExp, host = address): Promise<void> {
  const { code, stderr } = await ollama(args, { host })
  assert.equal(code, 1)
  assert.match(stderr, message)
}

/** The rows of a table, without its head. */
function rowsOf({ stdout }: Result): string[][] {
  const [, ...rows] = stdout.trim().split('\n')
  return rows.map((row) => row.trim().split(/\s{2,}/))
}

interface Door extends AsyncDisposable {
  url: string
}

async function openDoor(secret: string): Promise<Door> {
  const { host, hostname, port } = new URL(address)
  const server = createServer((incoming, outgoing) => {
    const { method, url, headers } = incoming
    const shown = { ...headers, host, authorization: `Bearer ${secret}` }
    const passed = forward({ hostname, port, method, path: url, headers: shown, agent: false }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 0, answer.headers)
      answer.pipe(outgoing)
    })
    incoming.pipe(passed)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** In a terminal of its own. `see` resolves when that has shown the text so many times. */
function startInTerminal(args: string[]): {
  child: ChildProcessWithoutNullStreams
  see(text: string, times: number): Promise<string>
} {
  const child = spawn('script', ['-qec', `stty cols 100; exec ${[binary, ...args].join(' ')}`, '/dev/null'], {
    env: environment(address),
  })
  let shown = ''
  const watchers = new Set<() => void>()
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    shown += text
    for (const watch of watchers) watch()
  })
  return {
    child,
    see(text, times) {
      const { promise, resolve, reject } = Promise.withResolvers<string>()
      const watch = () => {
        const plain = stripVTControlCharacters(shown)
        if (plain.split(text).length > times) resolve(plain)
      }
      watchers.add(watch)
      watch()
      child.once('close', () => reject(new Error(`It ended:\n${shown}`)))
      return promise.finally(() => watchers.delete(watch))
    },
  }
}

describe('the command line of Ollama over lmapp', () => {
  before(async () => {
    if (!existsSync(binary)) throw new Error('Run: scripts/install-engines.sh model ollama')
    const { embedded: _, ...others } = bare.backends
    home = await createHome()
    const mirror = join(home.dir, 'mirror')
    await home.configure({ backends: others, models: { scan: false }, sources: { huggingFace: mirror } })
    await installTestModel(home)
    await mkdir(join(mirror, 'somebody/Small-GGUF'), { recursive: true })
    await writeFile(join(mirror, 'somebody/Small-GGUF/Small-Q4_K_M.gguf'), ggufBytes())
    serving = home.start(['serve', '--port', '0'])
    address = (await serving.untilStdout('\n')).trim()
    const key = await home.lmapp(['keys', 'create', 'keeper', '--scope', 'chat', '--scope', 'models', '--json'])
    door = await openDoor(JSON.parse(key.stdout).secret)
  })
  after(async () => {
    await door[Symbol.asyncDispose]()
    await home[Symbol.asyncDispose]()
    await serving[Symbol.asyncDispose]()
  })

  it('finds the server, and a version that it takes for one of its own', async () => {
    const { stdout } = await succeeds(['--version'])
    assert.match(stdout, /^ollama version is \d+\.\d+\.\d+$/m)
  })

  it('lists the models, with sizes and ages', async () => {
    const [[name, id, size, changed] = []] = rowsOf(await succeeds(['list']))
    assert.equal(name, `embedded/${model}`)
    assert.match(id ?? '', /^[0-9a-f]{12}$/)
    assert.equal(size, '98 MB')
    assert.match(changed ?? '', / ago$/)
  })

  it('shows a model, its template and its license', async () => {
    const { stdout } = await succeeds(['show', model])
    for (const line of [
      /architecture +llama/,
      /parameters +135M/,
      /context length +8192/,
      /quantization +Q4_1/,
      /completion/,
    ]) {
      assert.match(stdout, line)
    }
    assert.match((await succeeds(['show', model, '--template'])).stdout, /add_generation_prompt/)
    assert.match((await succeeds(['show', model, '--modelfile'])).stdout, /^FROM embedded\/smollm2-135m$/m)
    assert.match((await succeeds(['show', model, '--license'])).stdout, /apache-2\.0/)
  })

  it('runs a prompt: the answer streams, with what it took at its end', async () => {
    assert.deepEqual(rowsOf(await succeeds(['ps'])), [])
    const { stdout, stderr, pieces } = await succeeds(['run', model, 'Name three colours.', '--verbose'])
    assert.match(stdout, /\w/)
    assert.ok(pieces > 3, `${pieces} pieces`)
    for (const line of [
      /total duration: +\S+s/,
      /prompt eval count: +\d+ token/,
      /eval count: +\d+ token/,
      /eval rate: +\S+ tokens\/s/,
    ]) {
      assert.match(stderr, line)
    }
  })

  it('shows what is loaded, and stops it', async () => {
    const [[name, , , , context] = []] = rowsOf(await succeeds(['ps']))
    assert.deepEqual([name, context], [`embedded/${model}`, '8192'])
    await succeeds(['stop', model])
    assert.deepEqual(rowsOf(await succeeds(['ps'])), [])
  })

  it('takes the prompt from a pipe, and answers in JSON', async () => {
    const { stdout } = await succeeds(['run', model, '--format', 'json'], { stdin: 'Describe a cat in JSON.' })
    assert.equal(typeof JSON.parse(stdout), 'object')
  })

  it('chats in a terminal, and unloads with --keepalive 0', async () => {
    const { child, see } = startInTerminal(['run', model, '--keepalive', '0s'])
    const ended = once(child, 'close')
    try {
      await see('>>> ', 1)
      child.stdin.write('/set parameter num_predict 12\r')
      await see("Set parameter 'num_predict' to '12'", 1)
      child.stdin.write('My name is Ada.\r')
      await see('\n>>> ', 2)
      child.stdin.write('What is my name?\r')
      const shown = await see('\n>>> ', 3)
      assert.match(shown, /What is my name\?\s+\w+/)
      child.stdin.write('/bye\r')
      assert.deepEqual(await ended, [0, null])
    } finally {
      child.kill('SIGKILL')
    }
    await until(async () => rowsOf(await succeeds(['ps'])).length === 0 || undefined)
  })

  it('says that a model is not there, where a guest may not fetch one', async () => {
    await fails(['show', 'nothing'], /model 'nothing' not found/)
    await fails(['stop', 'nothing'], /couldn't find model "nothing" to stop/)
    for (const args of [
      ['pull', 'smollm2-135m'],
      ['run', 'nothing', 'Why?'],
    ]) {
      await fails(args, /A guest may not do this\. Allow it: lmapp config set serve\.allowPull true/)
    }
  })

  it('pulls where configuration lets a guest, and no other name than those it may', async () => {
    assert.equal((await home.lmapp(['config', 'set', 'serve.allowPull', 'true'])).code, 0)
    const { stderr } = await succeeds(['pull', 'hf.co/somebody/Small-GGUF:Q4_K_M'])
    assert.match(stderr, /success/)
    const names = rowsOf(await succeeds(['list'])).map(([name]) => name)
    assert.ok(names.includes('embedded/small-q4_k_m'), names.join())
    await fails(['pull', 'nothing'], /model 'nothing' not found/)
    await fails(['run', 'nothing', 'Why?'], /model 'nothing' not found/)
    await fails(['pull', 'registry.example/some/thing'], /A program may not have/)
  })

  it('changes no models for a guest', async () => {
    await fails(['cp', model, 'mine'], /A guest may not do this/)
    await fails(['rm', 'embedded/small-q4_k_m'], /A guest may not do this/)
  })

  it('copies and removes where a key stands before it', async () => {
    const host = door.url
    assert.match((await succeeds(['cp', model, 'mine'], { host })).stdout, /copied 'smollm2-135m' to 'mine'/)
    const names = rowsOf(await succeeds(['list'])).map(([name]) => name)
    assert.ok(names.includes('mine'), names.join())
    await fails(['cp', 'nothing', 'other'], /model 'nothing' not found/, host)
    assert.match((await succeeds(['rm', 'embedded/small-q4_k_m'], { host })).stdout, /deleted 'embedded\/small-q4_k_m'/)
    await fails(['rm', 'nothing'], /model 'nothing' not found/, host)
    // A copy is a name: with it goes the name, and the model stays.
    assert.match((await succeeds(['rm', 'mine'], { host })).stdout, /deleted 'mine'/)
    const left = rowsOf(await succeeds(['list'])).map(([name]) => name)
    assert.deepEqual(left, [`embedded/${model}`])
  })

  it('is told what there is not, and what to do instead', async () => {
    await writeFile(join(home.dir, 'Modelfile'), `FROM ${model}\n`)
    await fails(['create', 'mine', '-f', join(home.dir, 'Modelfile')], /Models are not created here\. Name the folder/)
    await fails(['push', model], /Nobody signs in here/)
  })
})
