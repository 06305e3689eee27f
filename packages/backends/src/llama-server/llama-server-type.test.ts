import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { readChat } from 'lmapp-kit/testkit'
import { openReplay } from '../testing/replay-server.ts'
import { createAutomaticLlamaServerBackend } from './automatic-backend.ts'
import { createLlamaServerBackend, createLlamaServerType } from './index.ts'
import { ask, createBudget, type ManagedRoom, mebibyte, openRoom, patient } from './managed/testing/open-managed.ts'
import { failsWith, recorded, singleRoutes } from './testing/recordings.ts'

/** One of nobody's, at an address where a server may be. */
async function openAutomatic(room: ManagedRoom, { url, isInstalled = true }: { url: string; isInstalled?: boolean }) {
  return createAutomaticLlamaServerBackend({
    attached: createLlamaServerBackend({ urls: [url], timeouts: patient }),
    managed: await room.open(),
    isInstalled: async () => isInstalled,
  })
}

async function findNobody(): Promise<string> {
  const gone = await openReplay({})
  await gone.kill()
  return gone.url
}

describe('a llama-server that nobody configured', () => {
  it('is the one that runs, and nothing is started', async () => {
    await using room = await openRoom()
    await using replay = await openReplay(singleRoutes({ 'POST /v1/chat/completions': recorded('chat') }))
    await using backend = await openAutomatic(room, replay)
    await backend.start()
    const [listed] = await backend.listModels()
    assert.notEqual((await readChat(backend.chat(ask(listed?.id ?? '', 'Say hello.', {})))).text, '')
    assert.equal((await backend.isRunning()).models[0]?.state, 'ready')
    assert.equal((await backend.getInfo()).description, `llama-server at ${replay.url}`)
    assert.equal((await backend.showModel?.(listed?.id ?? ''))?.id, listed?.id)
    for (const call of [backend.loadModel, backend.unloadModel]) {
      await assert.rejects(async () => call?.(listed?.id ?? ''), failsWith('unsupported'))
    }
  })

  it('is started for a named model where none runs and the program is installed', async () => {
    await using room = await openRoom()
    await room.model('one')
    await room.model('two')
    await using backend = await openAutomatic(room, { url: await findNobody() })
    assert.deepEqual(await backend.listModels(), [])
    assert.equal((await backend.isRunning()).state, 'stopped')
    await backend.start()
    assert.equal((await backend.isRunning()).running, true)
    for (const text of ['hello', 'again']) {
      assert.equal((await readChat(backend.chat(ask('one', text)))).text, `You said: ${text}`)
    }
    assert.deepEqual(
      (await backend.listModels()).map(({ id }) => id),
      ['one'],
    )
    assert.equal((await backend.getInfo()).capabilities.load, 'yes')
    assert.equal((await backend.countTokens?.({ model: 'one', messages: ask('one', 'a').messages }))?.exact, true)
    await assert.rejects(async () => backend.embed?.({ model: 'one', input: ['a'] }), failsWith('unsupported'))
    await backend.unloadModel?.('one')
    assert.deepEqual(await backend.listModels(), [])
    await backend.loadModel?.('two')
    await backend.stop()
    assert.equal((await backend.isRunning()).state, 'stopped')
  })

  it('is nobody where the program is not installed', async () => {
    await using room = await openRoom()
    await using backend = await openAutomatic(room, { url: await findNobody(), isInstalled: false })
    await assert.rejects(backend.start(), failsWith('backend-unreachable'))
    await assert.rejects(readChat(backend.chat(ask('one', 'hello'))), failsWith('backend-unreachable'))
  })

  it('is not started beside one that wants a key', async () => {
    await using room = await openRoom()
    await using locked = await openReplay(singleRoutes({ 'GET /props': recorded('unauthorized') }))
    await using backend = await openAutomatic(room, locked)
    await assert.rejects(backend.start(), failsWith('unauthorized'))
  })

  it('may be cancelled', async () => {
    await using room = await openRoom()
    await using backend = await openAutomatic(room, { url: await findNobody() })
    const signal = AbortSignal.abort()
    assert.equal((await readChat(backend.chat(ask('one', 'hello'), { signal }))).finishes[0]?.reason, 'cancelled')
    await assert.rejects(backend.start({ signal }), failsWith('cancelled'))
  })
})

describe('the type', () => {
  const withType = async (room: ManagedRoom, findFolders: string[] = []) =>
    createLlamaServerType({
      budget: createBudget(1024 * mebibyte),
      environment: {},
      runtimeDir: join(room.dir, 'run'),
      findFolders,
      modelsOf: () => room.files,
    })
  const define = (config: { url?: string; command?: string; args?: string[] }) => ({
    id: 'box',
    config,
    environment: {},
  })

  it('attaches to a url, starts a command, and says of each who owns it', async () => {
    await using room = await openRoom()
    await room.model('one')
    await using replay = await openReplay(singleRoutes())
    const type = await withType(room)
    const context = { timeouts: patient, logFile: join(room.dir, 'box.log') }

    const attached = define({ url: replay.url })
    await using there = type.create(attached, context)
    assert.equal((await there.listModels()).length, 1)
    assert.deepEqual(await type.inspect(attached, context, there), { owner: 'external', startable: false })
    assert.equal(type.describeAddress(attached), replay.url)

    const command = await room.program('llama-server')
    const managed = define({ command, args: ['-t', '1'] })
    await using ours = type.create(managed, context)
    assert.equal((await readChat(ours.chat(ask('one', 'hello')))).text, 'You said: hello')
    assert.deepEqual(await type.inspect(managed, context, ours), { owner: 'lmapp', program: command, startable: true })
    assert.equal(type.describeAddress(managed), command)

    const broken = define({ command: '/no/such/program' })
    await using none = type.create(broken, context)
    const { startable, problem } = await type.inspect(broken, context, none)
    assert.deepEqual([startable, problem?.mend], [false, 'lmapp config edit'])
  })

  it('without either looks at the usual ports and for the program', async () => {
    await using room = await openRoom()
    const context = { timeouts: patient, logFile: join(room.dir, 'box.log') }
    const usual = define({})
    const type = await withType(room)
    assert.equal(type.describeAddress(usual), 'http://127.0.0.1:8080 or :9931')
    // Whoever listens at the usual ports of this machine is nobody's business here: the look is at another place.
    await using nobody = createLlamaServerBackend({ urls: [await findNobody()], timeouts: patient })
    assert.deepEqual(await type.inspect(usual, context, nobody), { owner: 'external', startable: false })
    const program = await room.program('llama-server')
    const installed = await withType(room, [room.dir])
    const found = { owner: 'lmapp', startable: true, program }
    assert.deepEqual(await installed.inspect(usual, context, nobody), found)
    await using replay = await openReplay(singleRoutes())
    await using somebody = createLlamaServerBackend({ urls: [replay.url], timeouts: patient })
    const external = { owner: 'external', startable: false, program }
    assert.deepEqual(await installed.inspect(usual, context, somebody), external)
    await using locked = await openReplay(singleRoutes({ 'GET /props': recorded('unauthorized') }))
    await using guarded = createLlamaServerBackend({ urls: [locked.url], timeouts: patient })
    const { problem, ...refused } = await installed.inspect(usual, context, guarded)
    assert.deepEqual([refused, problem?.mend], [external, 'lmapp config edit'])
    await using silent = await openReplay({ 'GET /health': () => {} })
    await using hangs = createLlamaServerBackend({ urls: [silent.url], timeouts: patient })
    const soon = { ...context, timeouts: { ...patient, connectMs: 50 } }
    assert.deepEqual(await installed.inspect(usual, soon, hangs), found)
    await using unused = installed.create(usual, context)
    await unused.stop()
  })
})
