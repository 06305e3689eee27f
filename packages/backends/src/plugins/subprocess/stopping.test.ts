import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { isLmappError, LmappError } from 'lmapp-kit'
import { ask, collect, openFixture, talker, wrong } from '../fixtures/open-fixture.ts'

const code = (expected: string) => (error: unknown) => error instanceof LmappError && error.code === expected

describe('cancelling over the line', () => {
  it('ends a chat with what it used when the caller aborts', async () => {
    await using fixture = await openFixture(talker)
    const caller = new AbortController()
    let last: unknown
    let deltas = 0
    for await (const part of fixture.backend.chat(ask('endless'), { signal: caller.signal })) {
      if (part.type === 'text-delta' && ++deltas === 5) caller.abort()
      last = part
    }
    assert.ok(typeof last === 'object' && last !== null && 'reason' in last && last.reason === 'cancelled')
    assert.ok('usage' in last && JSON.stringify(last.usage).includes('outputTokens'))
  })

  it('ends a chat at once whose caller aborted before it began', async () => {
    await using fixture = await openFixture(talker)
    const { parts } = await collect(fixture.backend.chat(ask('echo'), { signal: AbortSignal.abort() }))
    assert.deepEqual(parts, [{ type: 'finish', reason: 'cancelled', usage: {} }])
    assert.equal((await fixture.backend.isRunning()).state, 'stopped')
  })

  it('stops the plugin when the reader leaves, before the loop is left', async () => {
    await using fixture = await openFixture(talker)
    for await (const part of fixture.backend.chat(ask('endless'))) if (part.type === 'text-delta') break
    assert.equal((await fixture.backend.isRunning()).active, 0)
    await fixture.backend.stop()
    assert.match(await readFile(fixture.logFile, 'utf8'), /info: stopped after \d+\n/)
  })

  it('holds a bounded number of parts for a slow reader', async () => {
    await using fixture = await openFixture(talker)
    const reader = fixture.backend.chat(ask('endless'))[Symbol.asyncIterator]()
    for (let read = 0; read < 100; read++) await reader.next()
    await fixture.backend.isRunning()
    await reader.return?.()
    await fixture.backend.stop()
    const stopped = /stopped after (\d+)/.exec(await readFile(fixture.logFile, 'utf8'))
    assert.ok(Number(stopped?.[1]) <= 100 + 256 + 64, `it had written ${stopped?.[1]} parts`)
  })

  it('kills a plugin that does not end a cancelled chat in time, and restarts it at the next use', async () => {
    for (const mode of ['ignores-cancel', 'deaf']) {
      await using fixture = await openFixture(wrong(mode), { timeouts: { cancelMs: 50 } })
      const caller = new AbortController()
      await fixture.backend.start()
      const other = collect(fixture.backend.chat(ask('y')))
      const chat = collect(fixture.backend.chat(ask('x'), { signal: caller.signal }))
      await fixture.backend.listModels()
      caller.abort()
      assert.deepEqual((await chat).parts.at(-1), { type: 'finish', reason: 'cancelled', usage: {} })
      const { error } = await other
      assert.ok(isLmappError(error, mode === 'deaf' ? 'engine-failed' : 'engine-died'))
      assert.match(error.message, /did not end a cancelled "chat" within 50 ms/)
      assert.deepEqual(error.details, { exitCode: null, signal: 'SIGKILL', stderr: [] })
      assert.equal((await fixture.backend.isRunning()).state, 'failed')
      assert.equal((await fixture.backend.listModels()).length, 1)
    }
  })

  it('ends cancelled even when the plugin answers the cancelling with an error', async () => {
    await using fixture = await openFixture(wrong('refuses-cancel'))
    const caller = new AbortController()
    const parts = []
    for await (const part of fixture.backend.chat(ask('x'), { signal: caller.signal })) {
      parts.push(part)
      caller.abort()
    }
    assert.deepEqual(parts.at(-1), { type: 'finish', reason: 'cancelled', usage: {} })
  })

  it('gives up a call when its caller aborts, and when its deadline passes', async () => {
    await using fixture = await openFixture(talker, { timeouts: { workMs: 300 } })
    const { backend } = fixture
    await backend.start()
    const caller = new AbortController()
    const loading = backend.loadModel?.('x', { signal: caller.signal }).catch((error: unknown) => error)
    await backend.listModels()
    caller.abort()
    assert.ok(isLmappError(await loading, 'cancelled'))
    await assert.rejects(async () => await backend.loadModel?.('x'), code('stalled'))
    await assert.rejects(backend.listModels({ signal: AbortSignal.abort() }), code('cancelled'))
    assert.equal((await backend.isRunning()).running, true)
  })

  it('does not kill a plugin whose health is slow', async () => {
    await using fixture = await openFixture(wrong('silent'), { timeouts: { healthMs: 20, exitMs: 20, cancelMs: 1 } })
    await fixture.backend.start()
    await assert.rejects(fixture.backend.isRunning(), code('stalled'))
    await assert.rejects(fixture.backend.isRunning({ signal: AbortSignal.abort() }), code('cancelled'))
    assert.equal((await collect(fixture.backend.chat(ask('x'), { signal: AbortSignal.timeout(1) }))).error, undefined)
  })
})

describe('stopping', () => {
  it('joins starts, joins stops, and runs a start after a stop that is under way', async () => {
    await using fixture = await openFixture(talker)
    const { backend } = fixture
    await Promise.all([backend.start(), backend.start()])
    const stopping = backend.stop()
    assert.equal((await backend.isRunning()).state, 'stopping')
    await Promise.all([stopping, backend.stop(), backend.start()])
    assert.equal((await backend.isRunning()).state, 'running')
    await backend.stop()
    await backend.stop()
    const log = await readFile(fixture.logFile, 'utf8')
    assert.equal(log.match(/a stray line/g)?.length, 2)
  })

  it('lets a stop win over the start that it meets', async () => {
    await using fixture = await openFixture(talker)
    const starting = fixture.backend.start()
    assert.equal((await fixture.backend.isRunning()).state, 'starting')
    await Promise.all([fixture.backend.stop(), assert.rejects(starting, code('backend-stopped'))])
    assert.equal((await fixture.backend.isRunning()).state, 'stopped')
    await fixture.backend.start()
  })

  it('lets one caller give up a start that others wait for', async () => {
    await using fixture = await openFixture(talker)
    const caller = new AbortController()
    const impatient = fixture.backend.start({ signal: caller.signal })
    const patient = fixture.backend.start()
    caller.abort()
    await assert.rejects(impatient, code('cancelled'))
    await patient
  })

  it('ends running chats cancelled, and other calls with backend-stopped', async () => {
    await using fixture = await openFixture(talker)
    const { backend } = fixture
    await backend.start()
    const reading = collect(backend.chat(ask('endless')))
    const loading = assert.rejects(async () => await backend.loadModel?.('x'), LmappError)
    await backend.isRunning()
    await backend.stop()
    await loading
    const last = (await reading).parts.at(-1)
    assert.ok(last?.type === 'finish' && last.reason === 'cancelled')
  })

  it('throws backend-stopped for a chat that the plugin leaves open', async () => {
    await using fixture = await openFixture(wrong('deaf'), { timeouts: { cancelMs: 50 } })
    await fixture.backend.start()
    const reading = collect(fixture.backend.chat(ask('x')))
    await fixture.backend.listModels()
    await fixture.backend.stop()
    assert.ok(isLmappError((await reading).error, 'backend-stopped'))
  })

  it('climbs the exit ladder for what lingers', async () => {
    for (const mode of [['lingers'], ['lingers', 'stubborn'], ['silent']]) {
      await using fixture = await openFixture(wrong(...mode), { timeouts: { exitMs: 30, terminateMs: 30 } })
      await fixture.backend.start()
      await fixture.backend.stop()
      assert.equal((await fixture.backend.isRunning()).state, 'stopped')
    }
  })

  it('waits for no plugin whose stop or dispose hangs', async () => {
    for (const setting of ['slowStop', 'disposeHangs', 'disposeFails']) {
      const config = { [setting]: true }
      await using fixture = await openFixture(talker, { config, timeouts: { exitMs: 30, terminateMs: 30 } })
      await fixture.backend.start()
      await fixture.backend.stop()
    }
  })
})
