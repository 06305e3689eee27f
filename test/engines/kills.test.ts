/** The real engines, killed in mid-answer: another one with the same model goes on, and no character is lost or said twice. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { createSubprocessBackend, parseManifest } from '@lmapp/backends/plugins'
import type { Backend, ErrorCode, RunEvent } from 'lmapp-kit'
import { readChat } from 'lmapp-kit/testkit'
import { connectTo } from '../support/ask.ts'
import { bare, createHome, isAlive, readText, untilGone } from '../support/home.ts'
import { openCuttingProxy } from './cutting-proxy.ts'
import { modelFile, startLlamaServer } from './start-llama-server.ts'
import { importModel, startOllama } from './start-ollama.ts'

const question = 'Name five colours and say what each of them is like.'
/** Tokens of an answer, or of what goes on with it. */
const length = 24
const greedy = { temperature: 0, seed: 1 }
const embeddedModel = 'smol'
const llamaModel = 'SmolLM2-135M-Instruct.Q4_1'

type Engine = 'llama-server' | 'ollama' | 'embedded'

const stack = new AsyncDisposableStack()
after(() => stack.disposeAsync())

/** One slot, and nothing that is kept of earlier prompts. */
const alone = ['-m', modelFile, '-c', '2048', '-np', '1', '--cache-ram', '0', '--no-cache-prompt']
const llamaServer = stack.use(await startLlamaServer({ arguments: alone }))
const ollama = stack.use(await startOllama())
await importModel(ollama, 'original')
const ollamaModel = 'single:latest'
await ollamaAnswers('/api/create', { model: ollamaModel, from: 'original', parameters: { num_thread: 1 } })
const cutLlamaServer = stack.use(await openCuttingProxy({ url: llamaServer.url, ending: '\n\n' }))
const cutOllama = stack.use(await openCuttingProxy({ url: ollama.url, ending: '\n' }))
const embedded = stack.use(await openEmbedded())

const references: Record<Engine, string> = {
  'llama-server': `llama-server/${llamaModel}`,
  ollama: `ollama/${ollamaModel}`,
  embedded: `embedded/${embeddedModel}`,
}
const config: { backends: Record<string, object> } = {
  backends: {
    ...bare.backends,
    'llama-server': { type: 'llama-server', url: llamaServer.url },
    'cut-llama-server': { type: 'llama-server', url: cutLlamaServer.url },
    ollama: { type: 'ollama', url: ollama.url },
    'cut-ollama': { type: 'ollama', url: cutOllama.url },
    embedded: { type: 'embedded', models: { [embeddedModel]: modelFile }, config: { threads: 1, parallel: 1 } },
  },
}
const home = stack.use(await createHome(config))
await home.lmapp(['backends', 'list'])
const client = await connectTo(home)
const { pid: service } = await client.health()

interface Answered {
  /** What came before the first engine ended, and after it. */
  partial: string
  rest: string
  handovers: { from: string; to: string; code: ErrorCode }[]
  end: RunEvent & { type: 'end' }
  run: string
  message: string
}

/** Asks a list of candidates; `onToken` is called with the number of each token. */
async function ask(
  candidates: string[],
  { onToken, maxTokens = length }: { onToken?: ((count: number) => void) | undefined; maxTokens?: number } = {},
): Promise<Answered> {
  await home.configure({ ...config, aliases: { asked: candidates } })
  const { id, events } = await client.createRun({
    model: 'asked',
    content: [{ type: 'text', text: question }],
    options: { ...greedy, maxTokens },
  })
  const answered = { partial: '', rest: '', handovers: [] as Answered['handovers'], run: id, message: '' }
  let tokens = 0
  for await (const { event } of events) {
    if (event.type === 'start') answered.message = event.message
    if (event.type === 'handover') answered.handovers.push({ ...event, code: event.reason.code })
    if (event.type === 'end') return { ...answered, end: event }
    if (event.type !== 'text-delta') continue
    answered[answered.handovers.length > 0 ? 'rest' : 'partial'] += event.text
    tokens += 1
    onToken?.(tokens)
  }
  throw new Error('There was no end.')
}

/** What an engine gives when it is asked directly to go on, with the prompt as it renders it itself. */
const directly: Record<Engine, (partial: string) => Promise<string>> = {
  async 'llama-server'(partial) {
    const { prompt } = await post(llamaServer.url, '/apply-template', {
      messages: [{ role: 'user', content: question }],
    })
    const body = { prompt: prompt + partial, ...greedy, n_predict: length, cache_prompt: false }
    return String((await post(llamaServer.url, '/completion', body)).content)
  },
  async ollama(partial) {
    const options = { ...greedy, num_ctx: 4096 }
    const messages = [{ role: 'user', content: question }]
    const rendered = await ollamaAnswers('/api/chat', {
      model: ollamaModel,
      messages,
      options,
      _debug_render_only: true,
    })
    const prompt = (rendered._debug_info as { rendered_template: string }).rendered_template + partial
    const body = { model: ollamaModel, prompt, raw: true, options: { ...options, num_predict: length } }
    return String((await ollamaAnswers('/api/generate', body)).response)
  },
  async embedded(partial) {
    const content = (text: string) => [{ type: 'text' as const, text }]
    const messages = [
      { role: 'user' as const, content: content(question) },
      { role: 'assistant' as const, content: content(partial) },
    ]
    const options = { ...greedy, maxTokens: length }
    await embedded.unloadModel?.(embeddedModel)
    return (await readChat(embedded.chat({ model: embeddedModel, messages, continue: true, options }))).text
  },
}

/** The joined answer is what came, and what the second gives by itself; told once, and stored so. */
async function assertGoneOn(answered: Answered, first: string, second: Engine): Promise<void> {
  const { partial, rest, handovers, end, run, message } = answered
  assert.equal(rest, await directly[second](partial), `after ${JSON.stringify(partial)}`)
  assert.ok(rest.length > 0)
  assert.equal(end.state, 'length')
  assert.deepEqual(handovers, [{ ...handovers[0], from: first, to: references[second], code: 'engine-died' }])
  const stored = (await client.getConversation(message, { branches: true })).messages
  assert.deepEqual(
    stored.map(({ role, text }) => [role, text]),
    [
      ['user', question],
      ['assistant', partial + rest],
    ],
  )
  assert.equal(stored.at(-1)?.model, references[second])
  assert.deepEqual(readAttempts(run), [
    [first, 'failed', 'engine-died'],
    [references[second], 'finished', undefined],
  ])
}

function readAttempts(run: string): unknown[] {
  using database = new DatabaseSync(join(home.dir, 'data/history.sqlite'), { readOnly: true })
  const rows = database.prepare('SELECT * FROM attempts WHERE run_id = ? ORDER BY number').all(run)
  return rows.map(({ backend, model, outcome, error }) => [
    `${backend}/${model}`,
    outcome,
    error === null ? undefined : JSON.parse(String(error)).code,
  ])
}

async function post(url: string, path: string, body: object): Promise<Record<string, unknown>> {
  const response = await fetch(url + path, { method: 'POST', body: JSON.stringify(body) })
  assert.equal(response.status, 200)
  return (await response.json()) as Record<string, unknown>
}

function ollamaAnswers(path: string, body: object): Promise<Record<string, unknown>> {
  return post(ollama.url, path, { ...body, stream: false })
}

/** A process of our own of the plugin, asked without lmapp between. */
async function openEmbedded(): Promise<Backend> {
  const directory = fileURLToPath(new URL('../../plugins/embedded', import.meta.url))
  const file = join(directory, 'lmapp-backend.json')
  const folder = await mkdtemp(join(tmpdir(), 'lmapp-kills-'))
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  return createSubprocessBackend({
    manifest: parseManifest(await readText(file), file),
    directory,
    config: { models: { [embeddedModel]: modelFile }, threads: 1, parallel: 1 },
    secrets: {},
    dataDir: join(folder, 'data'),
    logFile: join(folder, 'embedded.log'),
    environment: process.env,
  })
}

/** Makes one answer end after so many of its tokens. */
interface Cut {
  reference: string
  /** Forgives what went before. */
  ready(): Promise<unknown>
  arm(tokens: number): void
  onToken?(count: number): void
}

function cutByProxy(backend: string, model: string, proxy: { cutAfter(tokens: number): void }): Cut {
  return {
    reference: `${backend}/${model}`,
    ready: () => client.startBackend(backend),
    arm: (tokens) => proxy.cutAfter(tokens),
  }
}

/** By kill -9, so that some tokens more may have left it. */
function cutByKill(): Cut {
  let last = 0
  return {
    reference: references.embedded,
    async ready() {
      const { end } = await ask([references.embedded], { maxTokens: 1 })
      assert.equal(end.state, 'length')
    },
    arm(tokens) {
      last = tokens
    },
    onToken(count) {
      if (count === last) process.kill(findEmbedded(), 'SIGKILL')
    },
  }
}

const cuts: Record<Engine, Cut> = {
  'llama-server': cutByProxy('cut-llama-server', llamaModel, cutLlamaServer),
  ollama: cutByProxy('cut-ollama', ollamaModel, cutOllama),
  embedded: cutByKill(),
}

interface Pair {
  first: Engine
  second: Engine
  /** Tokens after which the first one ends. */
  counts: number[]
}

const each = Array.from({ length: 20 }, (_, index) => index + 1)
/** An Ollama that is built here has no AVX, and takes a quarter of a minute for each: `LMAPP_TEST_EVERY_CUT=1` takes all. */
const withOllama = process.env.LMAPP_TEST_EVERY_CUT ? each : each.filter((count) => count % 5 === 0)

const pairs: Pair[] = [
  { first: 'llama-server', second: 'embedded', counts: each },
  { first: 'embedded', second: 'llama-server', counts: each },
  { first: 'llama-server', second: 'ollama', counts: withOllama },
  { first: 'ollama', second: 'llama-server', counts: withOllama },
  { first: 'ollama', second: 'embedded', counts: withOllama },
  { first: 'embedded', second: 'ollama', counts: withOllama },
]

/**
 * Ollama has no grammar by which a withdrawn word could be forced: where it is the only one, and far from what the model
 * would begin with, it says no.
 */
const mayRefuse = ({ second, partial }: { second: Engine; partial: string }) =>
  second === 'ollama' && !partial.includes(' ')

for (const { first, second, counts } of pairs) {
  describe(`an answer of ${first} that ends too early, and ${second}`, () => {
    for (const count of counts) {
      it(`after ${count} tokens it is what came, and what ${second} gives when it is asked directly`, async () => {
        const { reference, ready, arm, onToken } = cuts[first]
        await ready()
        arm(count)
        const answered = await ask([reference, references[second]], { onToken })
        const { partial, rest, end } = answered
        if (rest === '' && mayRefuse({ second, partial }))
          assert.deepEqual(refusals(end), ['engine-died', 'unsupported'])
        else await assertGoneOn(answered, reference, second)
      })
    }
  })
}

/** What each candidate said of an answer that is kept as it is. */
function refusals({ state, error }: Answered['end']): ErrorCode[] {
  assert.equal(state, 'incomplete')
  return (error?.details?.failures as { code: ErrorCode }[]).map(({ code }) => code)
}

describe('kill -9 in mid-answer', () => {
  it('of llama-server: embedded goes on, and the next request does not wait for the dead one', async () => {
    const before = childrenOf(process.pid)
    await using doomed = await startLlamaServer({ arguments: alone })
    const [pid] = childrenOf(process.pid).filter((child) => !before.includes(child))
    config.backends.doomed = { type: 'llama-server', url: doomed.url }
    const first = `doomed/${llamaModel}`
    const candidates = [first, references.embedded]
    await assertGoneOn(await ask(candidates, { onToken: killAfter(5, pid) }), first, 'embedded')
    const next = await ask(candidates)
    assert.deepEqual([next.end.state, next.handovers.map(({ code }) => code)], ['length', ['backend-unreachable']])
    const third = await ask(candidates)
    assert.deepEqual([third.end.state, third.handovers], ['length', []])
  })

  it('of the runner of Ollama, then of Ollama itself: llama-server goes on', async () => {
    const before = childrenOf(process.pid)
    await using doomed = await startOllama()
    const [pid] = childrenOf(process.pid).filter((child) => !before.includes(child))
    assert.ok(pid)
    await importModel(doomed, 'doomed')
    config.backends['doomed-ollama'] = { type: 'ollama', url: doomed.url }
    const first = 'doomed-ollama/doomed:latest'
    const candidates = [first, references['llama-server']]
    assert.equal((await ask([first])).end.state, 'length')
    const [runner] = childrenOf(pid)
    await assertGoneOn(await ask(candidates, { onToken: killAfter(4, runner) }), first, 'llama-server')

    assert.equal((await ask([first])).end.state, 'length', 'Ollama starts another runner')
    const [another] = childrenOf(pid)
    assert.ok(another)
    await assertGoneOn(await ask(candidates, { onToken: killAfter(6, pid) }), first, 'llama-server')
    // A killed Ollama leaves its runner behind.
    if (isAlive(another)) process.kill(another, 'SIGKILL')
    await untilGone(another)
  })

  it('of the embedded engine: llama-server goes on, and the next request starts it again', async () => {
    const candidates = [references.embedded, references['llama-server']]
    assert.equal((await ask([references.embedded])).end.state, 'length')
    const pid = findEmbedded()
    await assertGoneOn(await ask(candidates, { onToken: killAfter(7, pid) }), references.embedded, 'llama-server')
    const next = await ask(candidates)
    assert.deepEqual([next.end.state, next.handovers], ['length', []])
    assert.notEqual(findEmbedded(), pid)
  })
})

function killAfter(tokens: number, pid: number | undefined): (count: number) => void {
  assert.ok(pid)
  return (count) => {
    if (count === tokens) process.kill(pid, 'SIGKILL')
  }
}

function findEmbedded(): number {
  const found = childrenOf(service).find((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('dist/main.js'))
  assert.ok(found)
  return found
}

function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => parentOf(pid) === parent)
}

function parentOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
  } catch {
    return undefined
  }
}
