/** The real llama-server as lmapp starts it, and two generations of llamafile before it. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { createManagedLlamaServerBackend } from '@lmapp/backends/llama-server'
import { createLlamafileBackend, findLlamafiles } from '@lmapp/backends/llamafile'
import { createMemoryBudget, type MemoryBudget, type ModelFile, type ModelFiles } from '@lmapp/backends/model-processes'
import { createProcessRecords } from '@lmapp/backends/processes'
import { type Backend, type ChatRequest, isLmappError, LmappError } from 'lmapp-kit'
import { describeBackend, readChat, tryChat } from 'lmapp-kit/testkit'
import { writeStandIn } from '../../packages/backends/src/llamafile/testing/stand-in.ts'

const cache =
  process.env.LMAPP_TEST_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'lmapp-test')
const program = join(cache, 'llama.cpp/bin/llama-server')
const path = join(cache, 'models/SmolLM2-135M-Instruct.Q4_1.gguf')
if (!existsSync(program) || !existsSync(path)) throw new Error('Run: scripts/install-engines.sh model llama-server')

const dir = await mkdtemp(join(tmpdir(), 'lmapp-managed-'))
after(async () => {
  assert.deepEqual(await servers(), [])
  assert.deepEqual(await readdir(recordsDir), [])
  await rm(dir, { recursive: true })
})
const recordsDir = join(dir, 'records')
const mebibyte = 1024 ** 2

const small: Omit<ModelFile, 'id'> = {
  path,
  sizeBytes: 98_362_432,
  contextLength: 8192,
  memory: {
    sizeBytes: 98_362_432,
    layers: 30,
    embeddingLength: 576,
    headCount: 9,
    headCountKv: 3,
    vocabularySize: 49_152,
  },
}
const known: ModelFile[] = ['one', 'two'].map((id) => ({ ...small, id }))
const models: ModelFiles = {
  list: async () => known,
  async find(name) {
    const found = known.find(({ id }) => id === name)
    if (found) return found
    throw new LmappError('model-not-found', `No model is called "${name}".`, { details: { known: ['one', 'two'] } })
  },
}

function createBudget(limitBytes?: number): MemoryBudget {
  return createMemoryBudget({ limitBytes: () => limitBytes, freeBytes: () => process.availableMemory() })
}

function open(budget: MemoryBudget, more: string[] = []): Backend {
  return createManagedLlamaServerBackend({
    id: 'box',
    command: [program, '-t', '1', ...more],
    models,
    budget,
    timeouts: { connectMs: 10_000, stallMs: 60_000, loadMs: 600_000 },
    logFile: join(dir, 'box.log'),
    runtimeDir: join(dir, 'run'),
    environment: { PATH: process.env.PATH },
    records: createProcessRecords({ dir: recordsDir }),
  })
}

function ask(model: string, text: string, maxTokens: number): ChatRequest {
  const messages: ChatRequest['messages'] = [{ role: 'user', content: [{ type: 'text', text }] }]
  return { model, messages, options: { temperature: 0, seed: 1, maxTokens } }
}

/** Processes whose command line holds this. */
async function processesOf(part: string): Promise<number[]> {
  const found = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  return found.map(Number).filter((pid) => {
    try {
      return pid !== process.pid && readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(part)
    } catch {
      return false
    }
  })
}

const servers = () => processesOf(`--host\0${join(dir, 'run')}`)

describe('the real llama-server, started by lmapp', () => {
  it('listens on a socket of its own, with a key that stands nowhere to be read, and tells its version', async () => {
    await using backend = open(createBudget())
    const { text } = await readChat(backend.chat(ask('one', 'Say hello.', 8)))
    assert.notEqual(text, '')
    assert.match((await backend.getInfo()).engineVersion ?? '', /^b\d+/)
    const [socket = ''] = await readdir(join(dir, 'run/engines'))
    assert.match(socket, /\.sock$/)
    for (const pid of await servers()) {
      const line = readFileSync(`/proc/${pid}/cmdline`, 'latin1')
      const key = /LLAMA_API_KEY=([0-9a-f]+)/.exec(readFileSync(`/proc/${pid}/environ`, 'latin1'))?.[1]
      assert.ok(key && key.length >= 64)
      assert.ok(!line.includes(key))
      assert.ok(line.includes('--cors-origins\0localhost'))
    }
    await backend.stop()
    assert.deepEqual(await readdir(join(dir, 'run/engines')), [])
    assert.deepEqual(await servers(), [])
    assert.deepEqual(await readdir(recordsDir), [])
  })

  it('listens on a port of its own choice where a socket is not possible', async () => {
    await using backend = createManagedLlamaServerBackend({
      id: 'far',
      command: [program, '-t', '1'],
      models,
      budget: createBudget(),
      timeouts: { connectMs: 10_000, stallMs: 60_000, loadMs: 600_000 },
      logFile: join(dir, 'far.log'),
      runtimeDir: join(dir, 'a-path-that-is-too-long-for-a-socket'.repeat(5)),
      environment: { PATH: process.env.PATH },
    })
    assert.notEqual((await readChat(backend.chat(ask('one', 'Say hello.', 4)))).text, '')
    assert.match(await readFile(join(dir, 'far.log'), 'utf8'), /listening on http:\/\/127\.0\.0\.1:\d+/)
  })

  it('is killed in mid-answer: what came is kept, how it ended is said, and the next chat has a new one', async () => {
    await using backend = open(createBudget())
    let killed = false
    const { transcript, error } = await tryChat(
      backend.chat(ask('one', 'Write a long story about a cat. Never stop.', 800)),
      async ({ deltas }) => {
        if (killed || deltas.length < 5) return
        killed = true
        for (const pid of await servers()) if (isServer(pid)) process.kill(pid, 'SIGKILL')
      },
    )
    assert.ok(isLmappError(error, 'engine-died'), String(error))
    assert.equal(error.details?.signal, 'SIGKILL')
    assert.ok(transcript.deltas.length >= 5)
    assert.notEqual((await readChat(backend.chat(ask('one', 'Say hello.', 4)))).text, '')
  })

  it('switches between two models where there is memory for one, and runs both where there is for both', async () => {
    for (const [megabytes, running] of [
      [600, ['two']],
      [2000, ['one', 'two']],
    ] as const) {
      await using backend = open(createBudget(megabytes * mebibyte), ['--no-warmup'])
      for (const model of ['one', 'two']) {
        const { statuses, text } = await readChat(backend.chat(ask(model, 'Say hello.', 4)))
        assert.ok(statuses.some(({ phase }) => phase === 'loading'))
        assert.notEqual(text, '')
      }
      const ready = (await backend.isRunning()).models.filter(({ state }) => state === 'ready')
      assert.deepEqual(
        ready.map(({ id }) => id),
        running,
      )
    }
  })

  it('is refused with the numbers where it does not fit, and nothing is started', async () => {
    await using backend = open(createBudget(100 * mebibyte))
    const { error } = await tryChat(backend.chat(ask('one', 'Say hello.', 4)))
    assert.ok(isLmappError(error, 'model-too-large'))
    assert.equal(error.details?.fileBytes, small.sizeBytes)
    assert.deepEqual(await servers(), [])
  })

  it('is a model that does not load, told by its own last words', async () => {
    const broken = { ...small, id: 'broken', path: join(dir, 'missing.gguf') }
    known.push(broken)
    await using backend = open(createBudget())
    const { error } = await tryChat(backend.chat(ask('broken', 'Hi', 4)))
    known.pop()
    assert.ok(isLmappError(error, 'model-load-failed'), String(error))
    assert.ok((error.details?.stderr as string[]).some((line) => line.includes('missing.gguf')))
  })

  it('is told an option that it does not know by the error of its start', async () => {
    await using backend = open(createBudget(), ['--nobrowser'])
    const { error } = await tryChat(backend.chat(ask('one', 'Hi', 4)))
    assert.ok(isLmappError(error, 'backend-start-failed'), String(error))
    assert.match(error.message, /--nobrowser/)
  })
})

function isServer(pid: number): boolean {
  return readFileSync(`/proc/${pid}/cmdline`, 'latin1').startsWith(program)
}

for (const era of ['0.9', '0.10'] as const) {
  describe(`a llamafile as of ${era}, over the real llama-server`, () => {
    const folder = join(dir, `era-${era}`)
    const openLlamafile = (limitBytes?: number) =>
      createLlamafileBackend({
        id: 'llamafile',
        find: () => findLlamafiles({ folders: [folder], environment: {} }),
        models,
        budget: createBudget(limitBytes),
        timeouts: { connectMs: 10_000, stallMs: 60_000, loadMs: 600_000 },
        logFile: join(dir, 'llamafile.log'),
        runtimeDir: join(dir, 'run'),
        environment: { PATH: process.env.PATH },
        records: createProcessRecords({ dir: recordsDir }),
      })

    it('runs model files, one after the other where there is memory for one, and the conversation goes on', async () => {
      await mkdir(folder, { recursive: true })
      await writeStandIn({ path: join(folder, 'llamafile'), era, server: [program] })
      await using backend = openLlamafile(600 * mebibyte)
      const first = await readChat(backend.chat(ask('one', 'Name the days of the week.', 12)))
      const request = ask('two', 'Name the days of the week.', 12)
      const messages: ChatRequest['messages'] = [
        ...request.messages,
        { role: 'assistant', content: [{ type: 'text', text: first.text }] },
        { role: 'user', content: [{ type: 'text', text: 'Thank you.' }] },
      ]
      assert.notEqual((await readChat(backend.chat({ ...request, messages }))).text, '')
      const ready = (await backend.isRunning()).models.filter(({ state }) => state === 'ready')
      assert.deepEqual(ready, [{ id: 'two', state: 'ready' }])
    })

    it('runs the model that it has in itself', async () => {
      const own = join(folder, 'own.llamafile')
      await writeStandIn({ path: own, era, server: [program], model: path })
      known.push({ id: 'own', path: own, sizeBytes: small.sizeBytes ?? 0, contextLength: 8192 })
      try {
        await using backend = openLlamafile()
        assert.notEqual((await readChat(backend.chat(ask('own', 'Say hello.', 4)))).text, '')
      } finally {
        known.pop()
      }
    })
  })
}

const shared = createBudget()
await describeBackend({
  name: 'the conformance suite over the real llama-server, started by lmapp',
  open: async () => open(shared, ['-c', '4096', '-np', '2', '-b', '128']),
  model: 'one',
  schemaModel: 'one',
  deadlineMs: 240_000,
})
