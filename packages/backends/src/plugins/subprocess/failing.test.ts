import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { type Backend, isLmappError, LmappError } from 'lmapp-kit'
import { ask, collect, openFixture, talker, wrong } from '../fixtures/open-fixture.ts'

const code = (expected: string) => (error: unknown) => error instanceof LmappError && error.code === expected

/** How a chat with a wrong plugin ends: what arrived, and the error. */
async function chatWith(...mode: string[]) {
  await using fixture = await openFixture(wrong(...mode), { timeouts: { cancelMs: 500, exitMs: 100 } })
  const { text, error } = await collect(fixture.backend.chat(ask('x')))
  assert.ok(error instanceof LmappError, `it ended with ${String(error)}`)
  return { text, error, state: (await fixture.backend.isRunning()).state }
}

describe('a plugin that dies', () => {
  it('fails the chat by how far it was, with exit code and last words', async () => {
    for (const [mode, expected, text] of [
      ['dies-before', 'engine-failed', ''],
      ['dies-after-status', 'engine-failed', ''],
      ['dies-after', 'engine-died', 'so far'],
    ] as const) {
      const result = await chatWith(mode)
      assert.equal(result.error.code, expected)
      assert.equal(result.text, text)
      assert.match(result.error.message, /"fixture" ended \(exit code 3\): out of memory/)
      const stderr = ['Traceback:', '  out of memory']
      assert.deepEqual(result.error.details, { exitCode: 3, signal: null, stderr })
      assert.equal(result.state, 'failed')
    }
  })

  it('says by which signal', async () => {
    const { error, text } = await chatWith('dies-by-signal')
    assert.equal(text, 'so far')
    assert.equal(error.details?.signal, 'SIGKILL')
  })

  it('fails each chat and call of its own accord', async () => {
    await using fixture = await openFixture(talker)
    const { backend } = fixture
    const reader = backend.chat(ask('endless'))[Symbol.asyncIterator]()
    await reader.next()
    const info = JSON.parse((await backend.getInfo()).description ?? '')
    const other = backend.chat(ask('endless'))[Symbol.asyncIterator]()
    await other.next()
    const loading = backend.loadModel?.('x').catch((error: unknown) => error)
    assert.equal((await backend.isRunning()).active, 2)
    process.kill(info.pid, 'SIGKILL')
    const errors: unknown[] = await Promise.all([
      collect({ [Symbol.asyncIterator]: () => reader }).then(({ error }) => error),
      collect({ [Symbol.asyncIterator]: () => other }).then(({ error }) => error),
      loading,
    ])
    assert.ok(isLmappError(errors[0], 'engine-died') && isLmappError(errors[1], 'engine-died'))
    assert.ok(isLmappError(errors[2], 'engine-failed'))
    assert.equal(new Set(errors).size, 3)
    assert.equal((await collect(backend.chat(ask('echo', 'again')))).text, 'again')
  })

  it('cannot be started when its program is missing, or says no hello', async () => {
    for (const [command, pattern] of [
      [['no-such-program'], /"no-such-program" cannot be started/],
      [['./no-such-program'], /fixtures.no-such-program" cannot be started/],
      [wrong('dies-at-once'), /ended \(exit code 3\): out of memory/],
      [wrong('dies-at-start'), /ended \(exit code 3\): out of memory/],
      [wrong('mute'), /did not say hello in time/],
      [wrong('lingers-without-stdout'), /ended|did not say hello/],
    ] as const) {
      await using fixture = await openFixture([...command], { timeouts: { helloMs: 1000, exitMs: 20 } })
      await assert.rejects(fixture.backend.start(), (error) => {
        assert.ok(isLmappError(error, 'backend-start-failed'), String(error))
        return pattern.test(error.message)
      })
      const { state, degraded } = await fixture.backend.isRunning()
      assert.equal(state, 'failed')
      assert.match(degraded ?? '', pattern)
    }
  })

  it('passes on why its start failed', async () => {
    await using fixture = await openFixture(talker, { config: { startFails: true } })
    await assert.rejects(fixture.backend.listModels(), code('backend-unreachable'))
  })

  it('needs a folder that can be used', async () => {
    await using fixture = await openFixture(talker)
    await writeFile(join(fixture.folder, 'data'), '')
    await assert.rejects(fixture.backend.start(), code('path-unusable'))
  })

  it('is restarted at the next use, after pauses that grow with repeated crashes and are forgotten after a success', async () => {
    const pauses: number[] = []
    const waitForRestart = async (milliseconds: number) => void pauses.push(milliseconds)
    await using fixture = await openFixture(wrong('dies-after'), { waitForRestart })
    for (let crash = 0; crash < 8; crash++) await collect(fixture.backend.chat(ask('x')))
    assert.deepEqual(pauses, [500, 1000, 2000, 4000, 8000, 8000])
  })

  it('lets a stop end the pause before a restart', async () => {
    await using fixture = await openFixture(wrong('dies-before'))
    await collect(fixture.backend.chat(ask('x')))
    await collect(fixture.backend.chat(ask('x')))
    const starting = fixture.backend.start()
    await Promise.all([fixture.backend.stop(), assert.rejects(starting, code('backend-stopped'))])
  })

  it('takes its own children with it', async () => {
    await using fixture = await openFixture(wrong('leaves-a-child'), { timeouts: { exitMs: 50 } })
    await fixture.backend.start()
    await fixture.backend.stop()
    const child = Number(/child (\d+)/.exec(await readFile(fixture.logFile, 'utf8'))?.[1])
    assert.ok(child > 0)
    await untilGone(child)
  })

  it('is gone when it is gone, even if a child that left its group holds the line open', async () => {
    await using fixture = await openFixture(wrong('loses-a-child'))
    await fixture.backend.start()
    await collect(fixture.backend.chat(ask('x')))
    const child = Number(/child (\d+)/.exec(await readFile(fixture.logFile, 'utf8'))?.[1])
    process.kill(child, 'SIGKILL')
    await untilGone(child)
  })

  it('ends when its host is killed', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lmapp-host-'))
    const program = join(import.meta.dirname, '..', 'fixtures', 'host.ts')
    const args = ['--conditions=lmapp-source', program, folder]
    const host = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    const [line] = await once(createInterface({ input: host.stdout }), 'line')
    const { plugin } = JSON.parse(line)
    assert.ok(await isAlive(plugin))
    host.kill('SIGKILL')
    await untilGone(plugin)
    await rm(folder, { recursive: true })
  })
})

describe('a plugin that breaks the contract', () => {
  it('is ended for a line that is no message: protocol-violation before the first token, stream-malformed after', async () => {
    for (const [mode, expected, line] of [
      [['garbage'], 'protocol-violation', 'Loading weights...'],
      [['garbage', 'late'], 'stream-malformed', 'Loading weights...'],
      [['no-object-line'], 'protocol-violation', '[1]'],
      [['no-message'], 'protocol-violation', '{"jsonrpc":"2.0"}'],
      [['bad-utf8'], 'protocol-violation', '\uFFFD'],
      [['long-line'], 'stream-malformed', 'x'.repeat(200)],
      [['deep-line'], 'protocol-violation', `{"method":"parts","params":${'['.repeat(173)}`],
      [['parse-error'], 'protocol-violation', undefined],
      [['unknown-chat'], 'stream-malformed', undefined],
    ] as const) {
      const { error, state } = await chatWith(...mode)
      assert.equal(error.code, expected, mode.join(' '))
      assert.equal(error.details?.line, line)
      assert.equal(state, 'failed')
    }
    await using early = await openFixture(wrong('garbage-at-once'))
    await assert.rejects(early.backend.start(), code('protocol-violation'))
  })

  it('loses the chat whose parts are wrong, not its life; the error says where, and shows the value', async () => {
    for (const [mode, expected, text, path, received] of [
      ['seq-gap', 'stream-malformed', 'so far', 'seq', 3],
      ['seq-twice', 'stream-malformed', 'so far', 'seq', 1],
      ['no-seq', 'protocol-violation', '', 'seq', '{"id":3,"parts":[]}'],
      ['no-parts', 'protocol-violation', '', 'parts', '{"id":3,"seq":1}'],
      ['no-type', 'protocol-violation', '', 'parts[0].type', '{"text":"x"}'],
      ['no-text', 'protocol-violation', '', 'parts[0].text', '{"type":"text-delta"}'],
      ['long-text', 'protocol-violation', '', 'parts[1].text', `["${'y'.repeat(198)}`],
      ['wrong-progress', 'protocol-violation', '', 'parts[0].progress.done', '"half"'],
      ['wrong-logprobs', 'protocol-violation', '', 'parts[0].logprobs[1].logprob', '0.5'],
      ['wrong-vendor', 'protocol-violation', '', 'parts[0].vendor', '[1]'],
      ['finish-as-part', 'protocol-violation', '', 'parts[0]', '{"type":"finish","reason":"stop","usage":{}}'],
      ['over-credit', 'protocol-violation', '', 'parts', 257],
    ] as const) {
      await using fixture = await openFixture(wrong(mode, 'obedient'))
      const result = await collect(fixture.backend.chat(ask('x')))
      assert.ok(isLmappError(result.error, expected), `${mode}: ${String(result.error)}`)
      assert.equal(result.text, text)
      assert.deepEqual([result.error.details?.path, result.error.details?.received], [path, received], mode)
      assert.equal((await fixture.backend.isRunning()).running, true)
    }
  })

  it('is incomplete without the shape of a finish', async () => {
    for (const [mode, text] of [
      ['ends-without-finish', 'so far'],
      ['ends-with-half-a-finish', ''],
    ] as const) {
      const result = await chatWith(mode)
      assert.equal(result.error.code, 'stream-incomplete')
      assert.equal(result.text, text)
    }
  })

  it('says what was no finish, and shows it', async () => {
    const { error } = await chatWith('ends-with-half-a-finish')
    assert.deepEqual(error.details, { path: 'reason', received: '{"type":"finish"}' })
    assert.equal((await chatWith('ends-without-finish')).error.details?.path, 'type')
  })

  it('keeps its answer when only figures about it are wrong', async () => {
    await using fixture = await openFixture(wrong('wrong-figures'))
    const { parts, error } = await collect(fixture.backend.chat(ask('x')))
    assert.equal(error, undefined)
    const usage = { outputTokens: 2, later: 'x' }
    assert.deepEqual(parts.at(-1), { type: 'finish', reason: 'stop', usage, timings: { loadMs: 1.5 } })
  })

  it('may log what it likes', async () => {
    await using fixture = await openFixture(wrong('logs-oddly'))
    assert.equal((await collect(fixture.backend.chat(ask('x')))).error, undefined)
    await fixture.backend.stop()
    assert.equal(await readFile(fixture.logFile, 'utf8'), 'info: \ninfo: \ninfo: \n')
  })

  it('floods its log and nothing else: lines that come too fast are left out, and counted', async () => {
    await using fixture = await openFixture(wrong('floods-log'))
    assert.equal((await collect(fixture.backend.chat(ask('x')))).error, undefined)
    await fixture.backend.stop()
    const text = await readFile(fixture.logFile, 'utf8')
    const [, leftOut] = /^warning: (\d+) lines came too fast and were left out$/m.exec(text) ?? []
    assert.ok(Number(leftOut) > 0)
    assert.ok(text.length < 2 * 1024 * 1024)
  })

  it('is understood by its number when its error has no code', async () => {
    assert.equal((await chatWith('error-without-code')).error.code, 'context-overflow')
    assert.equal((await chatWith('error-without-anything')).error.code, 'engine-failed')
  })

  it('counts as dead when it closes stdout', async () => {
    const { error, text } = await chatWith('closes-stdout')
    assert.equal(error.code, 'engine-died')
    assert.equal(text, 'so far')
  })

  it('gets method-not-found when it asks the host', async () => {
    await using fixture = await openFixture(wrong('asks-back'))
    const { text } = await collect(fixture.backend.chat(ask('x')))
    assert.equal(JSON.parse(text).error.code, -32601)
  })

  it('is refused at hello for another version, another nonce or no info', async () => {
    for (const [mode, expected] of [
      ['wrong-version', 'interface-version'],
      ['wrong-nonce', 'protocol-violation'],
      ['no-info', 'protocol-violation'],
      ['no-object', 'protocol-violation'],
      ['no-nonce', 'protocol-violation'],
    ] as const) {
      await using fixture = await openFixture(wrong(mode))
      await assert.rejects(fixture.backend.start(), code(expected))
    }
  })

  it('is told apart by what it answers; the error says where it is wrong, and shows it', async () => {
    const asked = async (
      mode: string[],
      use: (backend: Backend) => unknown,
      path: string | undefined,
      received?: string,
    ) => {
      await using fixture = await openFixture(wrong(...mode))
      await fixture.backend.start()
      await assert.rejects(
        async () => await use(fixture.backend),
        (error) => {
          assert.ok(isLmappError(error, 'protocol-violation'), String(error))
          assert.deepEqual([error.details?.path, error.details?.received], [path, received])
          return true
        },
      )
    }
    await asked(['wrong-health'], (backend) => backend.isRunning(), 'running', '"yes"')
    await asked(['wrong-info'], (backend) => backend.getInfo(), 'version', '{"name":"wrong"}')
    const listModels = (backend: Backend) => backend.listModels()
    await asked(['wrong-models'], listModels, 'models[0].id', '{}')
    await asked(['wrong-models', 'size'], listModels, 'models[1].sizeBytes', 'null')
    await asked(['wrong-models', 'support'], listModels, 'models[0].capabilities.chat', '{"toString":1}')
    await asked(['wrong-models', 'parallel'], listModels, 'models[0].capabilities.parallel', '0')
    await asked(['wrong-models', 'none'], listModels, '', '"none"')
    await asked([''], (backend) => backend.showModel?.('x'), 'id', '{}')
    await asked([''], (backend) => backend.countTokens?.({ model: 'x', messages: [] }), 'tokens', '{}')
    for (const [detail, path, received] of [
      ['file', undefined, undefined],
      ['odd', undefined, undefined],
      ['none', 'dimensions', '{"vectors":[]}'],
      ['text', 'vectors', '"x"'],
      ['object', 'vectors.file', '{"file":1}'],
      ['item', 'vectors[1]', '{"toString":1}'],
      ['', '', 'null'],
    ] as const) {
      await asked(['embeds', detail], (backend) => backend.embed?.({ model: 'x', input: [] }), path, received)
    }
  })

  it('may say kinds of support that nobody knows yet: they count as unknown', async () => {
    await using fixture = await openFixture(wrong('new-support'))
    const capabilities = { chat: 'yes', tools: 'unknown', dance: 'always' }
    assert.deepEqual(await fixture.backend.listModels(), [{ id: 'x', capabilities }])
  })

  it('is well although what it says of its models is not', async () => {
    await using fixture = await openFixture(wrong('odd-health'))
    await fixture.backend.start()
    const models = [{ id: 'a', state: 'loading', progress: 0.5 }]
    assert.deepEqual(await fixture.backend.isRunning(), {
      running: true,
      state: 'running',
      active: 0,
      queued: 3,
      models,
    })
  })
})

async function untilGone(pid: number): Promise<void> {
  while (await isAlive(pid)) await delay(10)
}

/** A dead process that nobody has waited for yet does not count. */
async function isAlive(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  return !/\) Z /.test(stat)
}
