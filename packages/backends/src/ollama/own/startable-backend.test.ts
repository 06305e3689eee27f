/** An Ollama of our own: a real program on a free port, started when nothing listens at the address. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { type ErrorCode, isLmappError } from 'lmapp-kit'
import { readChat, tryChat } from 'lmapp-kit/testkit'
import { finish, user } from '../testing/open-backend.ts'
import { ollamaRoutes, openReplay } from '../testing/replay-server.ts'
import { openRoom } from './fixtures/open-room.ts'

const model = 'smollm2:latest'
const hello = { model, messages: [user('Say hello.')] }
const wait = { model, messages: [user('Wait.')] }

function failsWith(code: ErrorCode) {
  return (error: unknown) => isLmappError(error, code)
}

describe('where nothing listens and Ollama is installed', () => {
  it('the first chat starts one of our own, on a port of its choice, and stopping ends it', async () => {
    await using room = await openRoom()
    const backend = room.open()
    assert.match((await readChat(backend.chat(hello))).text, /so glad/)
    const life = await room.life(1)
    const { OLLAMA_HOST, OLLAMA_NUM_PARALLEL, SECRET_TOKEN, HOME } = life.environment
    assert.deepEqual([OLLAMA_HOST, OLLAMA_NUM_PARALLEL, SECRET_TOKEN, HOME], ['127.0.0.1:0', '2', undefined, room.dir])
    assert.equal((await backend.isRunning()).state, 'running')
    assert.equal((await backend.getInfo()).engineVersion, '0.0.0')
    assert.deepEqual(
      (await backend.listModels()).map(({ id }) => id),
      [model],
    )
    await backend.stop()
    await life.gone
    assert.deepEqual(life.events, ['asked to end'])
    assert.equal((await backend.isRunning()).state, 'stopped')
    assert.equal(room.lives.length, 1)
    assert.match(await readFile(room.context.logFile, 'utf8'), /Listening on/)
  })

  it('looking starts nothing', async () => {
    await using room = await openRoom()
    const backend = room.open()
    assert.deepEqual(await backend.listModels(), [
      { id: 'tiny:latest', loaded: false },
      { id: 'other:1b', loaded: false },
    ])
    assert.equal((await backend.showModel?.('tiny'))?.id, 'tiny:latest')
    await assert.rejects(async () => backend.showModel?.('nope'), failsWith('backend-unreachable'))
    await backend.unloadModel?.('tiny')
    assert.deepEqual(await backend.isRunning(), { running: false, state: 'stopped', active: 0, queued: 0, models: [] })
    assert.equal((await backend.getInfo()).engineVersion, undefined)
    await backend.stop()
    assert.equal(room.lives.length, 0)
  })

  it('other work starts it too', async () => {
    await using room = await openRoom()
    const backend = room.open()
    await backend.loadModel?.(model).catch(() => {})
    await backend.removeModel?.(model).catch(() => {})
    await backend.embed?.({ model, input: ['a'] }).catch(() => {})
    await assert.rejects(async () => {
      for await (const _ of backend.pullModel?.(model) ?? []) assert.fail('it knows no such route')
    })
    await backend.showModel?.(model)
    await backend.unloadModel?.(model).catch(() => {})
    assert.equal(room.lives.length, 1)
  })

  it('two starts at once start one', async () => {
    await using room = await openRoom()
    const backend = room.open()
    await Promise.all([backend.start(), backend.start(), readChat(backend.chat(hello))])
    await backend.start()
    assert.equal(room.lives.length, 1)
  })

  it('a start during a stop begins another one when the first is gone', async () => {
    await using room = await openRoom()
    const backend = room.open()
    await backend.start()
    const first = await room.life(1)
    const stopping = backend.stop()
    assert.equal((await backend.isRunning()).state, 'stopping')
    await Promise.all([stopping, backend.start()])
    await first.gone
    assert.equal((await backend.isRunning()).state, 'running')
    assert.equal(room.lives.length, 2)
  })

  it('a stop during a start ends it: who waited hears that it was stopped', async () => {
    await using room = await openRoom('held')
    const backend = room.open()
    const starting = [backend.start(), readChat(backend.chat(hello))]
    const refused = Promise.all(starting.map((each) => assert.rejects(each, failsWith('backend-stopped'))))
    const life = await room.life(1)
    assert.equal((await backend.isRunning()).state, 'starting')
    await backend.stop()
    await refused
    await life.gone
    assert.equal((await backend.isRunning()).state, 'stopped')
  })

  it('a stop before it is known whether to start keeps it from being started', async () => {
    await using room = await openRoom()
    const { promise: asked, resolve: tell } = Promise.withResolvers<void>()
    const { promise: may, resolve: allow } = Promise.withResolvers<boolean>()
    const backend = room.open({
      enabled: () => {
        tell()
        return may
      },
    })
    const refused = assert.rejects(backend.start(), failsWith('backend-stopped'))
    await asked
    await backend.stop()
    allow(true)
    await refused
    assert.equal(room.lives.length, 0)
  })

  it('one that is killed while it starts has failed, with the end of its log, and the next start is another', async () => {
    await using room = await openRoom('held')
    const backend = room.open()
    const starting = assert.rejects(backend.start(), (error) => {
      assert.ok(isLmappError(error, 'backend-start-failed'))
      assert.match(`${error.details?.stderr}`, /server config/)
      return true
    })
    process.kill((await room.life(1)).pid, 'SIGKILL')
    await starting
    await room.install('ready')
    await backend.start()
    assert.equal(room.lives.length, 2)
  })

  it('one that does not come up says why, and has failed until another does', async () => {
    await using room = await openRoom('failing')
    const type = room.createType()
    await using backend = type.create(room.definition, room.context)
    await assert.rejects(backend.start(), (error) => {
      assert.ok(isLmappError(error, 'backend-start-failed'))
      assert.match(error.message, /bind: operation not permitted/)
      return true
    })
    const { state, degraded } = await backend.isRunning()
    assert.equal(state, 'failed')
    assert.match(degraded ?? '', /not permitted/)
    const { problem } = await type.inspect(room.definition, room.context, backend)
    assert.equal(problem?.mend, 'lmapp backends logs ollama')
  })

  it('one that never says where it listens is given up', async () => {
    await using room = await openRoom('held')
    const context = { ...room.context, timeouts: { ...room.context.timeouts, loadMs: 400 } }
    await using backend = room.createType().create(room.definition, context)
    await assert.rejects(backend.start(), failsWith('backend-start-failed'))
    for (const life of room.lives) await life.gone
  })

  it('a program that cannot be started says so', async () => {
    await using room = await openRoom()
    const backend = room.open({ machine: { ...room.machine, program: async () => `${room.dir}/nothing` } })
    await assert.rejects(backend.start(), failsWith('backend-start-failed'))
  })

  it('who gives up waits no longer, and the start goes on for others', async () => {
    await using room = await openRoom('held')
    const backend = room.open()
    const hasty = new AbortController()
    const [starting, chatting] = [
      assert.rejects(backend.start({ signal: hasty.signal }), failsWith('cancelled')),
      readChat(backend.chat(hello, { signal: hasty.signal })),
    ]
    const patient = backend.start()
    const life = await room.life(1)
    hasty.abort()
    await starting
    assert.equal(finish(await chatting).reason, 'cancelled')
    life.release()
    await patient
    assert.equal(room.lives.length, 1)
  })
})

describe('an Ollama of our own that runs', () => {
  it('that is killed in the middle of an answer has died, with its log; the next chat starts another', async () => {
    await using room = await openRoom()
    const backend = room.open()
    const { error, transcript } = await tryChat(backend.chat(wait), async ({ deltas }) => {
      if (deltas.length === 1) process.kill((await room.life(1)).pid, 'SIGKILL')
    })
    assert.ok(isLmappError(error, 'engine-died'))
    assert.match(`${error.details?.stderr}`, /Listening on/)
    assert.notEqual(transcript.text, '')
    assert.match((await readChat(backend.chat(hello))).text, /so glad/)
    assert.equal(room.lives.length, 2)
  })

  it('that is stopped ends its answers as stopped', async () => {
    await using room = await openRoom()
    const backend = room.open()
    const { error } = await tryChat(backend.chat(wait), async ({ deltas }) => {
      if (deltas.length === 1) await backend.stop()
    })
    assert.ok(isLmappError(error, 'backend-stopped'))
  })

  it('is used as long as it runs, then the one that the user started meanwhile', async () => {
    await using room = await openRoom()
    const backend = room.open()
    await backend.start()
    const tags = JSON.stringify({ models: [{ name: 'theirs' }] })
    await using theirs = await openReplay(ollamaRoutes({ 'GET /api/tags': { body: tags } }), room.port)
    const list = async () => (await backend.listModels()).map(({ id }) => id)
    assert.deepEqual(await list(), [model])
    await backend.stop()
    await backend.start()
    assert.deepEqual(await list(), ['theirs:latest'])
    assert.equal(room.lives.length, 1)
    await backend.stop()
    assert.equal(theirs.connections() > 0, true, 'what somebody else started is left alone')
  })

  it('is one for all backends with the same address and environment, and ends with the last of them', async () => {
    await using room = await openRoom()
    const type = room.createType()
    const first = type.create(room.definition, room.context)
    const second = type.create({ ...room.definition, id: 'again' }, room.context)
    await first.start()
    await second.start()
    const [life] = room.lives
    await first[Symbol.asyncDispose]()
    await first[Symbol.asyncDispose]()
    assert.match((await readChat(second.chat(hello))).text, /so glad/)
    await second[Symbol.asyncDispose]()
    await life?.gone
    assert.equal(room.lives.length, 1)
  })

  it('answers for nobody who means another address', async () => {
    await using room = await openRoom()
    await using theirs = await openReplay({ 'GET /api/version': { body: 'Hi' } })
    const type = room.createType()
    await using own = type.create(room.definition, room.context)
    await own.start()
    const config = { url: theirs.url }
    for (const definition of [
      { config, environment: {} },
      { config: { url: `http://127.0.0.1:${room.port}` }, environment: room.definition.environment },
      { config: { url: 'http://lmapp.invalid:11434' }, environment: room.definition.environment },
      { config: {}, environment: { OLLAMA_HOST: 'lmapp.invalid' } },
    ]) {
      await using other = type.create(definition, room.context)
      await assert.rejects(readChat(other.chat(hello)), (error) => isLmappError(error))
      await other.stop()
    }
    assert.equal((await own.isRunning()).state, 'running')
    assert.equal(room.lives.length, 1)
  })

  it('is another one where the models are elsewhere', async () => {
    await using room = await openRoom()
    const type = room.createType()
    const elsewhere = { ...room.definition.environment, OLLAMA_MODELS: '/elsewhere' }
    await using first = type.create(room.definition, room.context)
    await using second = type.create({ ...room.definition, environment: elsewhere }, room.context)
    await first.start()
    await second.start()
    assert.equal((await room.life(2)).environment.OLLAMA_MODELS, '/elsewhere')
  })
})

describe('where one of our own is not started', () => {
  it('something listens: it hangs, or is somebody else', async () => {
    await using room = await openRoom()
    await using hangs = await openReplay({ 'GET /api/version': () => {} })
    await using foreign = await openReplay({ 'GET /api/version': { body: 'Hi' } })
    for (const [other, code, connectMs] of [
      [hangs, 'backend-unreachable', 50],
      [foreign, 'backend-not-identified', 10_000],
    ] as const) {
      const definition = { ...room.definition, environment: { OLLAMA_HOST: `127.0.0.1:${other.port}` } }
      const context = { ...room.context, timeouts: { ...room.context.timeouts, connectMs } }
      await using backend = room.createType().create(definition, context)
      await assert.rejects(backend.start(), failsWith(code))
      await assert.rejects(backend.listModels(), failsWith(code))
    }
    assert.equal(room.lives.length, 0)
  })

  for (const [name, hint, change] of [
    ['it is not installed', /Install it: https:/, { program: async () => undefined }],
    ['systemd manages it', /sudo systemctl start ollama/, { exists: async () => true }],
    ['the app does', /open -a Ollama/, { platform: 'darwin', exists: async () => true }],
    ['the configuration forbids it', /ollama serve/, undefined],
  ] as const) {
    it(`${name}, and the hint fits`, async () => {
      await using room = await openRoom()
      const backend = room.open({
        machine: { ...room.machine, ...change },
        ...(change === undefined && { enabled: async () => false }),
      })
      const isUnreachable = (error: unknown) => isLmappError(error, 'backend-unreachable') && hint.test(error.hint)
      for (const call of [backend.start(), backend.listModels(), readChat(backend.chat(hello))]) {
        await assert.rejects(call, isUnreachable)
      }
      assert.equal(room.lives.length, 0)
    })
  }

  it('its address is written into the configuration, and is not the usual one', async () => {
    await using room = await openRoom()
    const config = { url: `http://127.0.0.1:${room.port}` }
    await using backend = room.createType().create({ config, environment: {} }, room.context)
    await assert.rejects(backend.start(), failsWith('backend-unreachable'))
    assert.equal(room.lives.length, 0)
  })

  it('its address is on another machine', async () => {
    await using room = await openRoom()
    const config = { url: 'http://lmapp.invalid:11434' }
    await using backend = room.createType().create({ config, environment: {} }, room.context)
    await assert.rejects(backend.start(), failsWith('backend-unreachable'))
    assert.equal(room.lives.length, 0)
  })
})
