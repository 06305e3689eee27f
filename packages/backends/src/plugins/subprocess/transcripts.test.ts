import assert from 'node:assert/strict'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { type Backend, isLmappError, manifestFileName, type Part } from 'lmapp-kit'
import { discoverPlugins } from '../discover-plugins.ts'
import { type HostStep, type Json, loadTranscript, specs, toHostSteps } from '../fixtures/load-transcript.ts'
import { ask, collect, openFixture } from '../fixtures/open-fixture.ts'

const schema = JSON.parse(readFileSync(join(specs, 'backend-interface.json'), 'utf8'))
const isHostMessage = new Ajv2020({ strict: false })
  .addSchema(schema)
  .compile({ $ref: `${schema.$id}#/$defs/HostMessage` })

/** How a question of the host's is put to the backend; what comes back is what the plugin's result says. */
const questions: Record<string, (backend: Backend, params: Json) => Promise<unknown> | undefined> = {
  start: (backend) => backend.start().then(() => null),
  stop: (backend) => backend.stop().then(() => null),
  is_running: (backend) => backend.isRunning(),
  get_info: (backend) => backend.getInfo(),
  list_models: (backend) => backend.listModels().then((models) => ({ models })),
  embed: (backend, params) => backend.embed?.(params),
  load_model: (backend, { model }) => backend.loadModel?.(model),
}

/** What came back to one request of a transcript. */
interface Exchange {
  parts: Part[]
  /** Resolves with the result, or rejects. */
  end: Promise<unknown>
  caller: AbortController
  changed: PromiseWithResolvers<void>
}

function open(backend: Backend, { method, params }: Json): Exchange {
  const exchange = {
    parts: [],
    end: Promise.resolve(),
    caller: new AbortController(),
    changed: Promise.withResolvers<void>(),
  }
  const end =
    method === 'chat'
      ? chat(backend, params.request, exchange)
      : method === 'pull_model'
        ? pull(backend, params.model)
        : questions[method]?.(backend, params)
  assert.ok(end, method)
  end.catch(() => {})
  return Object.assign(exchange, { end })
}

async function chat(backend: Backend, request: Json, exchange: Exchange): Promise<unknown> {
  const large = request.model === 'length' && { vendor: { padding: 'x'.repeat(1024 * 1024 + 1) } }
  for await (const part of backend.chat({ ...request, ...large }, { signal: exchange.caller.signal })) {
    if (part.type === 'finish') return part
    exchange.parts.push(part)
    exchange.changed.resolve()
  }
  assert.fail('The chat ended without a finish.')
}

async function pull(backend: Backend, model: string): Promise<unknown> {
  const steps = await Array.fromAsync(backend.pullModel?.(model) ?? [])
  const { done, ...last } = steps.at(-1) ?? {}
  assert.ok(done)
  for (const { status, progress } of steps.slice(0, -1)) assert.deepEqual([status, progress?.total], ['fetching', 2])
  return last
}

/** Does what the host does, waits for what the plugin answers, and compares. Returns what the host wrote. */
async function drive(name: string): Promise<Json[]> {
  const steps = toHostSteps(loadTranscript(name))
  await using fixture = await openFixture(['node', 'transcript.ts', name])
  const exchanges = new Map<unknown, Exchange>()
  const exchangeOf = (id: unknown): Exchange => exchanges.get(id) ?? assert.fail(`Request ${id} was not sent.`)
  for (const step of steps.filter(isDriven)) {
    const { id, method, params } = step.message
    if (step.kind === 'plugin') await compare(step, exchangeOf(step.id))
    else if (method === 'cancel') exchangeOf(params.id).caller.abort()
    else exchanges.set(id, open(fixture.backend, step.message))
  }
  await fixture.backend.stop()
  const received = readFileSync(join(fixture.folder, 'data', 'received.ndjson'), 'utf8')
  return received
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
}

/** Hello is the host's own doing, and has the answer of `start`. */
function isDriven({ message, kind, ...step }: HostStep): boolean {
  return message.method !== 'hello' && !(kind === 'plugin' && 'id' in step && step.id === 1)
}

async function compare(step: HostStep, exchange: Exchange): Promise<void> {
  const { about, parts = [], message } = step as Json
  if (about === 'parts') {
    while (exchange.parts.length < parts.length) {
      exchange.changed = Promise.withResolvers()
      await Promise.race([exchange.changed.promise, failed(exchange.end)])
    }
    assert.deepEqual(exchange.parts.splice(0, parts.length), parts)
  } else if (message.error) {
    await assert.rejects(exchange.end, (error) => isLmappError(error, message.error.data.code))
  } else if (about === 'response') {
    assert.deepEqual(await exchange.end, message.result)
    assert.deepEqual(exchange.parts, [])
  }
}

/** An end must not come before the parts that were written before it. */
function failed(end: Promise<unknown>): Promise<never> {
  return end.then(
    (value) => assert.fail(JSON.stringify(value)),
    (error) => assert.fail(error),
  )
}

const names = [
  ...['hello', 'chat', 'several-chats', 'cancel', 'credit', 'error-before-first-token', 'error-after-first-token'],
  ...['unknown-method', 'value-by-file', 'pull', 'shutdown'],
]

describe('a host, with the plugin of specs/transcripts', { concurrency: 2 }, () => {
  for (const name of names) {
    it(`${name}: gives back what the plugin wrote, and writes nothing but messages of the schema`, async () => {
      const received = await drive(name)
      assert.ok(received.length > 3)
      for (const message of received)
        assert.ok(isHostMessage(message), JSON.stringify({ message, errors: isHostMessage.errors }))
    })
  }

  it('wrong-version: does not start', async () => {
    await using fixture = await openFixture(['node', 'transcript.ts', 'wrong-version'])
    await assert.rejects(fixture.backend.start(), (error) => isLmappError(error, 'interface-version'))
  })
})

it('runs a folder that a stranger made from specs/: the manifest of lifecycle.md, and 90 lines of Python', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lmapp-stranger-'))
  const [, manifest = ''] = /```json\n(.*?)```/s.exec(readFileSync(join(specs, 'lifecycle.md'), 'utf8')) ?? []
  mkdirSync(join(folder, 'example'))
  writeFileSync(join(folder, 'example', manifestFileName), manifest)
  copyFileSync(
    join(specs, '../packages/kit/src/transcripts/fixtures/stranger.py'),
    join(folder, 'example', 'example.py'),
  )
  try {
    const [plugin] = (await discoverPlugins([folder], 'linux-x64')).plugins
    assert.ok(plugin)
    const { platforms: _, ...anywhere } = plugin.manifest
    await using fixture = await openFixture([], { manifest: anywhere, directory: plugin.directory })
    const { text, parts } = await collect(fixture.backend.chat(ask('echo', 'Why is the sky blue?')))
    assert.equal(text, 'Why is the sky blue?')
    assert.deepEqual(parts.at(-1), { type: 'finish', reason: 'stop', usage: { inputTokens: 5, outputTokens: 5 } })
    const { error } = await collect(fixture.backend.chat(ask('refuses')))
    assert.ok(isLmappError(error, 'context-overflow'))
    assert.equal((await collect(fixture.backend.chat(ask('length', 'x'.repeat(2_000_000))))).text, '2000000')
  } finally {
    rmSync(folder, { recursive: true })
  }
})
