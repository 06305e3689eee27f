import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { isLmappError, LmappError, type Part, requiredMethods } from 'lmapp-kit'
import { ask, collect, openFixture, talker, toManifest, wrong } from '../fixtures/open-fixture.ts'
import { createSubprocessBackend } from './subprocess-backend.ts'

const code = (expected: string) => (error: unknown) => error instanceof LmappError && error.code === expected

describe('createSubprocessBackend', () => {
  it('starts nothing until it is asked, and answers is_running without starting it', async () => {
    await using fixture = await openFixture(talker)
    const { backend } = fixture
    assert.deepEqual(await backend.isRunning(), { running: false, state: 'stopped', active: 0, queued: 0, models: [] })
    await assert.rejects(readdir(join(fixture.folder, 'data')))
    assert.deepEqual(await backend.listModels(), [{ id: 'echo', contextLength: 2048 }])
    const health = await backend.isRunning()
    assert.equal(health.state, 'running')
    assert.deepEqual(health.models, [{ id: 'echo', state: 'ready' }])
    await backend.stop()
    assert.equal((await backend.isRunning()).state, 'stopped')
  })

  it('streams the parts, then the finish', async () => {
    await using fixture = await openFixture(talker)
    const { parts, text, error } = await collect(fixture.backend.chat(ask('echo', 'Hello my friend')))
    assert.equal(error, undefined)
    assert.equal(text, 'Hello my friend')
    assert.deepEqual(parts[0], { type: 'status', phase: 'generating' })
    assert.equal(parts.at(-1)?.type, 'finish')
  })

  it('streams thousands of parts in order, more than there is credit for at once', async () => {
    await using fixture = await openFixture(talker)
    const { text, parts } = await collect(fixture.backend.chat(ask('count:3000')))
    assert.equal(text, Array.from({ length: 3000 }, (_, index) => `${index + 1} `).join(''))
    assert.deepEqual(parts.at(-1), { type: 'finish', reason: 'stop', usage: { outputTokens: 3000 } })
  })

  it('is undisturbed by what the plugin prints to stdout, and logs it', async () => {
    await using fixture = await openFixture(talker)
    assert.equal((await collect(fixture.backend.chat(ask('echo', 'hi')))).text, 'hi')
    await fixture.backend.stop()
    const log = await readFile(fixture.logFile, 'utf8')
    assert.match(log, /^a stray line\n.*forged/)
    assert.match(log, /disposed\n$/)
  })

  it('gives config and secrets in hello, and an allow-listed environment', async () => {
    await using fixture = await openFixture(talker, {
      config: { depth: 3 },
      secrets: { key: 'sk-1' },
      environment: {
        ...{ PATH: '/bin', HOME: '/home/me', LC_ALL: 'C', LANG: undefined },
        ...{ AWS_SECRET: 'x', HTTPS_PROXY: 'http://me:pass@proxy', NODE_OPTIONS: '--inspect' },
      },
    })
    const info = await fixture.backend.getInfo()
    const told = JSON.parse(info.description ?? '')
    assert.equal(info.version, '1.2.3')
    assert.equal(told.depth, 3)
    assert.deepEqual(told.secrets, { key: 'sk-1' })
    assert.equal(told.dataDir, join(fixture.folder, 'data'))
    // Node hands down the first when coverage is measured, a shell the others; by the last it is known as ours.
    const added = ['NODE_V8_COVERAGE', 'PWD', 'OLDPWD', 'SHLVL', '_', 'LMAPP_ENGINE_NONCE']
    const names = Object.keys(told.environment).filter((name) => !added.includes(name))
    assert.deepEqual(names.sort(), ['HOME', 'LC_ALL', 'PATH'])
    assert.match(told.environment.LMAPP_ENGINE_NONCE, /^[0-9a-f-]{36}$/)
    assert.equal(told.cwd, join(import.meta.dirname, '..', 'fixtures'))
    assert.deepEqual(told.argv, ['--conditions=lmapp-source'])
  })

  it('has the optional methods that the manifest lists, and no others', async () => {
    await using all = await openFixture(talker)
    await using few = await openFixture(talker, { manifestExtra: { methods: [...requiredMethods, 'embed', 'dance'] } })
    assert.ok(all.backend.countTokens && all.backend.pullModel && all.backend.showModel)
    assert.ok(few.backend.embed)
    assert.equal('countTokens' in few.backend, false)
    assert.equal('dance' in few.backend, false)
  })

  it('counts, embeds, shows and removes', async () => {
    await using fixture = await openFixture(talker)
    const { backend } = fixture
    const { messages } = ask('echo')
    assert.deepEqual(await backend.countTokens?.({ model: 'echo', messages }), { tokens: 1, exact: true })
    const tools = [{ name: 'look', parameters: {} }]
    assert.equal((await backend.countTokens?.({ model: 'echo', messages, tools }))?.tokens, 2)
    const wrong = [{ name: 'look' }] as never
    await assert.rejects(
      async () => await backend.countTokens?.({ model: 'echo', messages, tools: wrong }),
      code('bad-input'),
    )
    const embedding = await backend.embed?.({ model: 'echo', input: ['a', 'bcd'] })
    assert.deepEqual(embedding?.vectors, [Float32Array.of(1, 0.5, -1), Float32Array.of(3, 0.5, -1)])
    assert.equal(embedding?.inputTokens, 2)
    assert.equal((await backend.showModel?.('echo'))?.template, '{{ text }}')
    await assert.rejects(async () => await backend.showModel?.('nothing'), code('model-not-found'))
    await backend.removeModel?.('echo')
    await assert.rejects(
      async () => await backend.unloadModel?.('echo'),
      (error) => {
        assert.ok(isLmappError(error, 'engine-failed'))
        return error.message === 'a bug of the plugin'
      },
    )
  })

  it('passes large values through files that nobody else can read, and removes them', async () => {
    await using fixture = await openFixture(talker)
    const { backend, folder } = fixture
    const long = `${'long '.repeat(10)}${'x'.repeat(1_500_000)}`
    assert.equal((await collect(backend.chat(ask('echo', long)))).text, long)
    assert.deepEqual(await backend.countTokens?.({ ...ask('echo', long) }), { tokens: 1, exact: true })
    const embedding = await backend.embed?.({ model: 'echo', input: [...Array(100_000).fill('x'), long] })
    assert.equal(embedding?.vectors.length, 100_001)
    assert.deepEqual(embedding?.vectors.at(-1), Float32Array.of(long.length, 0.5, -1))
    assert.deepEqual(await readdir(join(folder, 'data', 'exchange')), [])
    await backend.stop()
    assert.deepEqual(await readdir(join(folder, 'data')), [])
  })

  it('splits what does not fit a line, and fails a part that never does', async () => {
    await using fixture = await openFixture(talker)
    assert.equal((await collect(fixture.backend.chat(ask('large')))).text.length, 10_000_000)
    const { parts, error } = await collect(fixture.backend.chat(ask('huge')))
    assert.deepEqual(parts, [])
    assert.ok(isLmappError(error, 'bad-input'))
  })

  it('reports the progress of a pull, its end, its cancelling and a cut', async () => {
    await using fixture = await openFixture(talker, { timeouts: { workMs: 200 } })
    const { backend } = fixture
    assert.deepEqual(await Array.fromAsync(backend.pullModel?.('echo') ?? []), [
      { status: 'fetching', progress: { done: 1, total: 2, unit: 'bytes' } },
      { status: 'fetched', done: true },
    ])
    await assert.rejects(Array.fromAsync(backend.pullModel?.('cut') ?? []), code('download-failed'))
    await assert.rejects(Array.fromAsync(backend.pullModel?.('stuck') ?? []), code('stalled'))
    const caller = new AbortController()
    const pulling = async () => {
      for await (const _ of backend.pullModel?.('stuck', { signal: caller.signal }) ?? []) caller.abort()
    }
    await assert.rejects(pulling, code('cancelled'))
    for await (const _ of backend.pullModel?.('stuck') ?? []) break
    assert.equal((await backend.isRunning()).running, true)
  })

  it("passes the plugin's own errors on, by code, before the first token and after", async () => {
    await using fixture = await openFixture(talker)
    const early = await collect(fixture.backend.chat(ask('overflow')))
    assert.deepEqual(early.parts, [])
    assert.ok(isLmappError(early.error, 'context-overflow'))
    assert.equal(early.error.hint, 'Say less.')
    assert.deepEqual(early.error.details, { tokens: 9 })
    const late = await collect(fixture.backend.chat(ask('fail-late')))
    assert.equal(late.text, 'so far')
    assert.ok(isLmappError(late.error, 'engine-failed'))
    const cut = await collect(fixture.backend.chat(ask('no-finish')))
    assert.equal(cut.text, 'so far')
    assert.ok(isLmappError(cut.error, 'stream-incomplete'))
    const bad = await collect(fixture.backend.chat({ model: 'echo', messages: 'hi' as never }))
    assert.ok(isLmappError(bad.error, 'bad-input'))
  })

  it('answers several chats at once over one line, and is_running in between', async () => {
    await using fixture = await openFixture(talker)
    const { backend } = fixture
    const endless = backend.chat(ask('endless'))[Symbol.asyncIterator]()
    await endless.next()
    const others = await Promise.all(
      ['one', 'two', 'three'].map((word) => collect(backend.chat(ask('echo', `${word} ${word}`)))),
    )
    assert.deepEqual(
      others.map(({ text }) => text),
      ['one one', 'two two', 'three three'],
    )
    assert.equal((await backend.isRunning()).active, 1)
    await endless.return?.()
    assert.equal((await backend.isRunning()).active, 0)
  })

  it('refuses what cannot run here before anything is started', () => {
    const options = { directory: '.', config: {}, secrets: {}, dataDir: 'd', logFile: 'l' }
    const create = (extra: Parameters<typeof toManifest>[1]) =>
      createSubprocessBackend({ ...options, environment: {}, manifest: toManifest(talker, extra) })
    assert.throws(() => create({ interface_version: '2.0' }), code('interface-version'))
    assert.throws(() => create({ execution: 'grpc' }), code('unsupported'))
    assert.throws(() => create({ platforms: ['plan9-mips'] }), code('unsupported'))
    assert.ok(create({ interface_version: '1.7', platforms: [`${process.platform}-${process.arch}`] }))
  })

  it('tolerates unknown fields, parts, values and notifications', async () => {
    await using fixture = await openFixture(wrong('new-values'))
    const { parts, error } = await collect(fixture.backend.chat(ask('x')))
    assert.equal(error, undefined)
    assert.deepEqual(parts, [
      { type: 'text-delta', text: 'a', colour: 'blue' } as Part,
      { type: 'warning', code: 'other', message: 'hm' },
      { type: 'tool-call', id: '1', name: 'f', arguments: '{}' },
      { type: 'finish', reason: 'other', usage: {}, timings: { promptMs: 1 }, vendor: { a: 1 } },
    ])
    assert.deepEqual(await fixture.backend.isRunning(), {
      running: true,
      state: 'running',
      active: 0,
      queued: 0,
      models: [],
    })
  })
})
