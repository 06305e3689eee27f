import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { chmod, readdir, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { type Backend, isLmappError, type Part, type Status } from 'lmapp-kit'
import { readChat, tryChat } from 'lmapp-kit/testkit'
import { ask, createBudget, type ManagedRoom, mebibyte, openRoom } from './testing/open-managed.ts'

/** 1 MiB of file, 1 that it computes in, 8 for 8,192 tokens. */
const roomForOne = 10 * mebibyte

async function recordsOf(room: ManagedRoom): Promise<{ pid: number }[]> {
  const names = await readdir(join(room.dir, 'records')).catch(() => [])
  const whole = names.filter((name) => name.endsWith('.json'))
  return whole.map((name) => JSON.parse(readFileSync(join(room.dir, 'records', name), 'utf8')))
}

/** The sockets on which our servers listen. */
async function socketsOf(room: ManagedRoom): Promise<string[]> {
  const names = await readdir(join(room.dir, 'run/engines')).catch(() => [])
  return names.map((name) => join(room.dir, 'run/engines', name))
}

function modelsOf(backend: Backend) {
  return backend.isRunning().then(({ models }) => models)
}

/** Reads a chat on; `until` says when what it waits for has come. */
async function readUntil(parts: AsyncIterator<Part>, until: (part: Part) => boolean): Promise<Part> {
  for (;;) {
    const { value, done } = await parts.next()
    assert.ok(!done, 'It ended before.')
    if (until(value)) return value
  }
}

const isText = (part: Part) => part.type === 'text-delta'
const isLoading = (part: Part): part is Status => part.type === 'status' && part.phase === 'loading'

describe('llama-server, started by lmapp', () => {
  it('is started for a chat, answers, and is kept for the next', async () => {
    await using room = await openRoom()
    await room.model('one')
    const backend = await room.open()
    assert.deepEqual(await backend.isRunning(), { running: false, state: 'stopped', active: 0, queued: 0, models: [] })
    const { text, finishes, statuses } = await readChat(backend.chat(ask('one', 'hello there')))
    assert.equal(text, 'You said: hello there')
    assert.equal(finishes[0]?.reason, 'stop')
    assert.ok(statuses.every(({ phase }) => phase !== 'connecting'))
    assert.deepEqual(await modelsOf(backend), [{ id: 'one', state: 'ready' }])
    const again = await readChat(backend.chat(ask('one', 'more')))
    assert.ok(again.statuses.every(({ phase }) => phase !== 'loading'))
    assert.equal((await recordsOf(room)).length, 1)
  })

  it('is asked for its version first, which starts no model', async () => {
    await using room = await openRoom()
    const backend = await room.open()
    await Promise.all([backend.start(), backend.start()])
    const { engineVersion, description, capabilities } = await backend.getInfo()
    assert.equal(engineVersion, 'b11434-abc123')
    assert.match(description ?? '', /started by lmapp: .*llama-server$/)
    assert.deepEqual([capabilities.load, capabilities.unload], ['yes', 'yes'])
    assert.equal((await backend.isRunning()).running, true)
    assert.deepEqual(await recordsOf(room), [])
  })

  it('listens where nobody else can enter, and wants a key that stands in no argument', async () => {
    await using room = await openRoom()
    await room.model('one')
    const backend = await room.open()
    await backend.loadModel?.('one')
    const [socketPath = ''] = await socketsOf(room)
    const ask = (path: string) =>
      new Promise<number | undefined>((resolve, reject) => {
        request({ socketPath, path }, (response) => resolve(response.resume().statusCode))
          .once('error', reject)
          .end()
      })
    assert.deepEqual([await ask('/health'), await ask('/props')], [200, 401])
    await backend.stop()
    assert.deepEqual(await socketsOf(room), [])
    assert.deepEqual(await recordsOf(room), [])
  })

  it('of an old build gets no option that its help does not name, and a port of its own choice', async () => {
    await using room = await openRoom()
    await room.model('one')
    const backend = await room.open({ command: [await room.program('old', 'old')] })
    assert.equal((await readChat(backend.chat(ask('one', 'hello')))).text, 'You said: hello')
    assert.deepEqual(await socketsOf(room), [])
    assert.match(await room.log(), /HTTP server is listening, hostname: 127\.0\.0\.1, port: [1-9]/)
  })

  it('listens on loopback where the path is too long for a socket', async () => {
    await using room = await openRoom()
    await room.model('one')
    const backend = await room.open({ runtimeDir: join(room.dir, 'long'.repeat(30)) })
    assert.equal((await readChat(backend.chat(ask('one', 'hello')))).text, 'You said: hello')
    assert.match(await room.log(), /listening on http:\/\/127\.0\.0\.1:[1-9]/)
  })

  it('runs with the arguments of the user, who knows better', async () => {
    await using room = await openRoom()
    const { path } = await room.model('box')
    const program = await room.program('llama-server')
    const backend = await room.open({ command: [program, '-m', path, '-c', '1024', '-t', '1', '--api-key', 'mine'] })
    assert.equal((await readChat(backend.chat(ask('box', 'hello')))).text, 'You said: hello')
    const { error } = await tryChat(backend.chat(ask('box', 'word '.repeat(1100), {})))
    assert.ok(isLmappError(error, 'context-overflow'))
    assert.equal(error.details?.contextLength, 1024)
    assert.equal((await recordsOf(room)).length, 1)
  })

  it('is found in other folders than those of PATH', async () => {
    await using room = await openRoom()
    await room.program('llama-server')
    const backend = await room.open({ command: ['llama-server'], findFolders: [room.dir], environment: {} })
    await backend.start()
    assert.ok((await backend.getInfo()).description?.endsWith(join(room.dir, 'llama-server')))
  })

  it('is not there: it is said at once, as often as it is asked', async () => {
    await using room = await openRoom()
    await room.model('one')
    const backend = await room.open({ command: ['/no/such/llama-server'] })
    for (let times = 0; times < 4; times += 1) {
      const { error } = await tryChat(backend.chat(ask('one', 'hello')))
      assert.ok(isLmappError(error, 'backend-start-failed'))
    }
    const { state, degraded } = await backend.isRunning()
    assert.equal(state, 'failed')
    assert.match(degraded ?? '', /no\/such/)
  })
})

describe('its models', () => {
  it('are listed without starting any, and those that run say what they can', async () => {
    await using room = await openRoom()
    await room.model('one')
    await room.model('encoder', '', { capabilities: { chat: 'no' } })
    const backend = await room.open()
    const before = await backend.listModels()
    assert.deepEqual(
      before.map(({ id, loaded, capabilities }) => [id, loaded, capabilities?.chat, capabilities?.embed]),
      [
        ['one', false, 'yes', 'unknown'],
        ['encoder', false, 'no', 'yes'],
      ],
    )
    assert.ok(!('memory' in (before[0] ?? {})))
    await backend.loadModel?.('one')
    const [one] = await backend.listModels()
    assert.deepEqual([one?.loaded, one?.capabilities?.vision, one?.capabilities?.load], [true, 'no', 'yes'])
    assert.equal((await backend.showModel?.('one'))?.template, '{{ messages }}')
  })

  it('are unknown by another name', async () => {
    await using room = await openRoom()
    const backend = await room.open()
    const { error } = await tryChat(backend.chat(ask('none', 'hello')))
    assert.ok(isLmappError(error, 'model-not-found'))
    for (const call of [backend.showModel, backend.loadModel, backend.unloadModel]) {
      await assert.rejects(
        async () => call?.('none'),
        (failure) => isLmappError(failure, 'model-not-found'),
      )
    }
  })

  it('may be unloaded, in the middle of an answer too', async () => {
    await using room = await openRoom()
    await room.model('one')
    const backend = await room.open()
    const parts = backend.chat(ask('one', 'wait'))[Symbol.asyncIterator]()
    await readUntil(parts, isText)
    await backend.unloadModel?.('one')
    await assert.rejects(
      readUntil(parts, () => false),
      (error) => isLmappError(error, 'backend-stopped'),
    )
    assert.deepEqual(await modelsOf(backend), [{ id: 'one', state: 'unloaded' }])
    assert.deepEqual(await recordsOf(room), [])
  })

  it('are counted exactly where they run, and else by an estimate that starts nothing', async () => {
    await using room = await openRoom()
    await room.model('one')
    const backend = await room.open()
    const question = { model: 'one', messages: ask('one', 'a b c').messages }
    const estimate = await backend.countTokens?.(question)
    assert.equal(estimate?.exact, false)
    const tools = [{ name: 'look', parameters: {} }]
    assert.ok(((await backend.countTokens?.({ ...question, tools }))?.tokens ?? 0) > estimate.tokens)
    await backend.loadModel?.('one')
    assert.deepEqual(await backend.countTokens?.(question), { tokens: 4, exact: true })
  })

  it('embed where they are made for it', async () => {
    await using room = await openRoom()
    await room.model('encoder', '', { capabilities: { chat: 'no' } })
    await room.model('one')
    const backend = await room.open()
    const { vectors } = (await backend.embed?.({ model: 'encoder', input: ['a', 'b'] })) ?? {}
    assert.equal(vectors?.length, 2)
    const refused = async () => backend.embed?.({ model: 'one', input: ['a'] })
    await assert.rejects(refused, (error) => isLmappError(error, 'unsupported'))
  })

  it('may have a comma in their names', async () => {
    await using room = await openRoom()
    await room.model('a, b')
    const backend = await room.open()
    assert.equal((await readChat(backend.chat(ask('a, b', 'hello')))).text, 'You said: hello')
  })
})

describe('while a model loads', () => {
  it('the phase and how far it is are told, and health says so at once', async () => {
    await using room = await openRoom()
    const { path } = await room.model('one', 'slow')
    const backend = await room.open()
    const parts = backend.chat(ask('one', 'hello'))[Symbol.asyncIterator]()
    const told = await readUntil(parts, (part) => isLoading(part) && part.progress !== undefined)
    assert.deepEqual(isLoading(told) && told.progress, { done: 43, total: 100, unit: 'percent' })
    assert.deepEqual(await backend.isRunning(), {
      running: true,
      state: 'running',
      active: 0,
      queued: 1,
      models: [{ id: 'one', state: 'loading', progress: 0.43 }],
    })
    await writeFile(`${path}.go`, '')
    await readUntil(parts, (part) => part.type === 'finish')
    await parts.next()
  })

  it('a chat that leaves does not stop it', async () => {
    await using room = await openRoom()
    const { path } = await room.model('one', 'slow')
    const backend = await room.open()
    const abort = new AbortController()
    const leaving = readChat(backend.chat(ask('one', 'hello'), { signal: abort.signal }), async (_, part) => {
      if (isLoading(part)) abort.abort()
    })
    assert.equal((await leaving).finishes[0]?.reason, 'cancelled')
    const { active, queued } = await backend.isRunning()
    assert.deepEqual([active, queued], [0, 0])
    await writeFile(`${path}.go`, '')
    await backend.loadModel?.('one')
    assert.equal((await recordsOf(room)).length, 1)
  })

  it('stopping ends it, and nothing is left', async () => {
    await using room = await openRoom()
    await room.model('one', 'slow')
    const backend = await room.open()
    const chat = tryChat(backend.chat(ask('one', 'hello')), async (_, part) => {
      if (isLoading(part) && part.progress) await backend.stop()
    })
    assert.ok(isLmappError((await chat).error, 'backend-stopped'))
    assert.deepEqual(await recordsOf(room), [])
    assert.deepEqual(await socketsOf(room), [])
    const loading = backend.loadModel?.('one')
    while ((await recordsOf(room)).length === 0) await new Promise((resolve) => setImmediate(resolve))
    const due = assert.rejects(
      async () => loading,
      (error) => isLmappError(error, 'backend-stopped'),
    )
    await backend.stop()
    await due
    assert.deepEqual(await recordsOf(room), [])
  })

  it('it is stopped before it has begun', async () => {
    await using room = await openRoom()
    await room.model('one')
    const backend = await room.open()
    const starting = backend.start()
    const due = assert.rejects(starting, (error) => isLmappError(error, 'backend-stopped'))
    await backend.stop()
    await due
    await assert.rejects(backend.start({ signal: AbortSignal.abort() }), (error) => isLmappError(error, 'cancelled'))
    assert.equal((await readChat(backend.chat(ask('one', 'hello')))).text, 'You said: hello')
  })

  it('one that cannot be loaded is told by its last words, and one that never began as a start that failed', async () => {
    await using room = await openRoom()
    await room.model('bad', 'broken')
    await room.model('mute', 'silent')
    const backend = await room.open()
    const { error } = await tryChat(backend.chat(ask('bad', 'hello')))
    assert.ok(isLmappError(error, 'model-load-failed'))
    assert.match(error.message, /bad ended \(exit code 1\): exiting due to model loading error/)
    assert.equal(error.hint, 'See its log: lmapp backends logs box')
    assert.deepEqual((error.details?.stderr as string[]).slice(1), [
      'llama_model_load: error loading model: wrong magic',
      'exiting due to model loading error',
    ])
    assert.match((await backend.isRunning()).degraded ?? '', /bad ended/)
    const other = await tryChat(backend.chat(ask('mute', 'hello')))
    assert.ok(isLmappError(other.error, 'backend-start-failed'))
    assert.equal(other.error.details?.exitCode, 3)
    assert.deepEqual(await recordsOf(room), [])
  })
})

describe('when the process dies', () => {
  it('in the middle of an answer, what came is kept and the next chat has a new one', async () => {
    await using room = await openRoom()
    await room.model('one')
    const backend = await room.open()
    const { transcript, error } = await tryChat(backend.chat(ask('one', 'die later')))
    assert.ok(isLmappError(error, 'engine-died'))
    assert.equal(error.message.includes('signal SIGKILL'), true)
    assert.equal(transcript.text, 'You said: die')
    assert.match((await backend.isRunning()).degraded ?? '', /SIGKILL/)
    assert.equal((await readChat(backend.chat(ask('one', 'hello')))).text, 'You said: hello')
    assert.equal((await backend.isRunning()).degraded, undefined)
  })

  it('before its first word, the request may be tried again', async () => {
    await using room = await openRoom()
    await room.model('one')
    const backend = await room.open()
    const { error } = await tryChat(backend.chat(ask('one', 'die')))
    assert.ok(isLmappError(error, 'engine-failed'))
    assert.equal(error.entry.retryable, true)
    assert.equal(error.hint, 'See its log: lmapp backends logs box')
  })

  it('between two chats, the next one has a new one, or may be tried again', async () => {
    await using room = await openRoom()
    await room.model('one')
    const backend = await room.open()
    await backend.loadModel?.('one')
    const [record] = await recordsOf(room)
    process.kill(-(record?.pid ?? 0), 'SIGKILL')
    const first = await tryChat(backend.chat(ask('one', 'hello')))
    if (first.error !== undefined) assert.ok(isLmappError(first.error, 'engine-failed'), String(first.error))
    assert.equal((await readChat(backend.chat(ask('one', 'hello')))).text, 'You said: hello')
  })

  it('one that is in no list is listed while it has a process', async () => {
    await using room = await openRoom()
    await room.model('one')
    const backend = await room.open({ models: { ...room.files, list: async () => [] } })
    assert.deepEqual(await backend.listModels(), [])
    await backend.loadModel?.('one')
    const listed = (await backend.listModels()).map(({ id, loaded }) => [id, loaded])
    assert.deepEqual(listed, [['one', true]])
  })

  it('one that runs and cannot be reached any more is ended, and the request may be tried again', async () => {
    await using room = await openRoom()
    await room.model('one')
    const backend = await room.open()
    await backend.loadModel?.('one')
    await rm(join(room.dir, 'run'), { recursive: true })
    const { error } = await tryChat(backend.chat(ask('one', 'hello')))
    assert.ok(isLmappError(error, 'engine-failed'), String(error))
    assert.equal(error.entry.retryable, true)
    assert.deepEqual(await recordsOf(room), [])
    assert.equal((await readChat(backend.chat(ask('one', 'hello')))).text, 'You said: hello')
  })

  it('while it embeds, that is told as well', async () => {
    await using room = await openRoom()
    const { path } = await room.model('encoder', '', { capabilities: { chat: 'no' } })
    const backend = await room.open()
    await backend.loadModel?.('encoder')
    await rm(path)
    const [record] = await recordsOf(room)
    process.kill(-(record?.pid ?? 0), 'SIGKILL')
    const asked = async () => backend.embed?.({ model: 'encoder', input: ['a'] })
    await assert.rejects(asked, (error) => isLmappError(error))
  })

  it('though it does not heed the request to end', async () => {
    await using room = await openRoom()
    await room.model('one', 'deaf')
    const backend = await room.open()
    await backend.loadModel?.('one')
    await backend.stop()
    assert.deepEqual(await recordsOf(room), [])
  })
})

describe('where there is memory for one model', () => {
  it('a chat for another waits until the first is answered, and says so', async () => {
    await using room = await openRoom()
    const { path } = await room.model('one')
    await room.model('two')
    const backend = await room.open({ budget: createBudget(roomForOne) })
    const first = backend.chat(ask('one', 'wait'))[Symbol.asyncIterator]()
    await readUntil(first, isText)
    const second = backend.chat(ask('two', 'hello'))[Symbol.asyncIterator]()
    await readUntil(second, (part) => part.type === 'status' && part.phase === 'queued')
    const { active, queued } = await backend.isRunning()
    assert.deepEqual([active, queued], [1, 1])
    await writeFile(`${path}.go`, '')
    await readUntil(first, (part) => part.type === 'finish')
    await first.next()
    await readUntil(second, isText)
    assert.deepEqual(await modelsOf(backend), [
      { id: 'one', state: 'unloaded' },
      { id: 'two', state: 'ready' },
    ])
    await second.return?.()
  })

  it('one that does not fit is refused with the numbers, and nothing is started', async () => {
    await using room = await openRoom()
    await room.model('one', '', { sizeBytes: 20 * mebibyte })
    const backend = await room.open({ budget: createBudget(roomForOne) })
    const { error } = await tryChat(backend.chat(ask('one', 'hello')))
    assert.ok(isLmappError(error, 'model-too-large'))
    assert.equal(error.details?.fileBytes, 20 * mebibyte)
    assert.equal(existsSync(join(room.dir, 'box.log')), false)
  })

  it('the file itself is looked at where nobody said how large it is', async () => {
    await using room = await openRoom()
    const { sizeBytes: _, memory: __, ...file } = await room.model('one', 'x'.repeat(200_000))
    const models = { list: async () => [file], find: async () => file }
    const backend = await room.open({ models, budget: createBudget(200_000) })
    const { error } = await tryChat(backend.chat(ask('one', 'hello')))
    assert.ok(isLmappError(error, 'model-too-large'))
    assert.equal(error.details?.neededBytes, 240_000)
    const gone = { ...file, path: join(room.dir, 'gone') }
    const other = await room.open({ models: { list: async () => [gone], find: async () => gone } })
    assert.ok(isLmappError((await tryChat(other.chat(ask('one', 'hello')))).error, 'backend-start-failed'))
  })

  it('a context that was asked for and does not fit is refused, with one that would', async () => {
    await using room = await openRoom()
    await room.model('one')
    const backend = await room.open({ budget: createBudget(roomForOne) })
    const { error } = await tryChat(backend.chat(ask('one', 'hello', { contextLength: 16_384 })))
    assert.ok(isLmappError(error, 'model-too-large'))
    assert.equal(error.hint, 'A context of 8192 tokens fits: -o num_ctx=8192')
  })
})

describe('the context', () => {
  it('is made longer for a prompt that needs it, and stays where it does not', async () => {
    await using room = await openRoom()
    await room.model('one')
    const backend = await room.open()
    const contextOf = async (text: string, options: Parameters<typeof ask>[2] = {}) => {
      const { finishes } = await readChat(backend.chat(ask('one', text, options)))
      return finishes[0]?.usage.contextLength
    }
    assert.equal(await contextOf('hello'), 8192)
    const [before] = await recordsOf(room)
    // Up to 12,000 tokens by an estimate; 2,001 as the engine counts them.
    assert.equal(await contextOf('wordword '.repeat(2000)), 8192)
    assert.equal((await recordsOf(room))[0]?.pid, before?.pid)
    const longer = await contextOf('a '.repeat(9000))
    assert.ok(longer !== undefined && longer > 8192 && longer < 65_536, `${longer}`)
    assert.equal(await contextOf('hello', { contextLength: 65_536 }), 65_536)
  })

  it('is told to be too short by how to have more', async () => {
    await using room = await openRoom()
    await room.model('one')
    const backend = await room.open()
    const { error } = await tryChat(backend.chat(ask('one', 'a '.repeat(3000), { contextLength: 2048 })))
    assert.ok(isLmappError(error, 'context-overflow'))
    assert.match(error.hint, /-o num_ctx=N/)
  })

  it('that is all of the model’s own cannot be raised', async () => {
    await using room = await openRoom()
    await room.model('one', '', { contextLength: 2048 })
    const backend = await room.open()
    const { error } = await tryChat(backend.chat(ask('one', 'a '.repeat(3000))))
    assert.ok(isLmappError(error, 'context-overflow'))
    assert.match(error.hint, /choose a model with a longer context/)
  })

  it('may not be asked for by an empty request', async () => {
    await using room = await openRoom()
    await room.model('one')
    const backend = await room.open()
    const { error } = await tryChat(backend.chat({ model: 'one', messages: [] }))
    assert.ok(isLmappError(error, 'bad-input'))
    assert.deepEqual(await recordsOf(room), [])
  })
})

describe('a program that is none', () => {
  it('is one that prints garbage: it gets what every build knows', async () => {
    await using room = await openRoom()
    await room.model('one')
    const garbage = 'case "$1" in --version|--help) head -c 2000000 /dev/urandom; exit 5;; esac'
    const backend = await room.open({ command: [await room.program('odd', 'new', garbage)] })
    assert.equal((await readChat(backend.chat(ask('one', 'hello')))).text, 'You said: hello')
    assert.equal((await backend.getInfo()).engineVersion, undefined)
  })

  it('is asked anew when its file changed', async () => {
    await using room = await openRoom()
    const program = await room.program('llama-server', 'old')
    const backend = await room.open({ command: [program] })
    await backend.start()
    assert.equal((await backend.getInfo()).engineVersion, 'b2450-0c4d489e')
    await backend.stop()
    await room.program('llama-server', 'new', '# newer')
    await chmod(program, 0o755)
    await backend.start()
    assert.equal((await backend.getInfo()).engineVersion, 'b11434-abc123')
  })

  it('may be given up while it says nothing', async () => {
    await using room = await openRoom()
    const program = await room.program('hangs', 'new', 'exec sleep 1000')
    const backend = await room.open({ command: [program] })
    const starting = backend.start()
    const due = assert.rejects(starting, (error) => isLmappError(error, 'backend-stopped'))
    while ((await recordsOf(room)).length === 0) await new Promise((resolve) => setImmediate(resolve))
    await backend.stop()
    await due
    assert.deepEqual(await recordsOf(room), [])
  })
})
