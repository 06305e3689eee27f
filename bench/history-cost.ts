/**
 * node --conditions=lmapp-source bench/history-cost.ts [rounds] [same]: what it costs to keep what programs ask. Runs with a
 * history on a real file and without one take turns, 16 at a time, short answers, engine and clients in the same process.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BroadcastChannel } from 'node:worker_threads'
import { createBackendRegistry } from '../packages/core/src/backends/index.ts'
import { parseConfig } from '../packages/core/src/config/index.ts'
import { createModelLibrary } from '../packages/core/src/models/index.ts'
import { createRunManager, type RunManager, type RunRequest } from '../packages/core/src/runs/index.ts'
import { createId, openStore, type Store } from '../packages/core/src/store/index.ts'
import { createMockBackend } from '../packages/kit/src/testkit/index.ts'
import { createConversationKeeper } from '../packages/server/src/answer/conversation-keeper.ts'
import { fsyncOnce, ms, toFigures } from './measure.ts'

const clients = 16
const forMs = 1_500
const rounds = Number(process.argv[2] ?? 3)
/** Every client asks the same thing again and again. */
const same = process.argv[3] === 'same'
const owner = 'owner'
let asked = 0
const channelName = 'lmapp-bench-commits'

/** The store's worker, which counts the transactions that it commits. */
const countingWorker = new URL(
  `data:text/javascript,${encodeURIComponent(`
    import { DatabaseSync } from 'node:sqlite'
    import { BroadcastChannel } from 'node:worker_threads'
    const channel = new BroadcastChannel('${channelName}')
    let level = ''
    const counts = { FULL: 0, NORMAL: 0 }
    const note = (sql) => {
      const pragma = /^PRAGMA synchronous = (\\w+)/.exec(sql)
      if (pragma) level = pragma[1]
      if (sql === 'COMMIT') counts[level] += 1
    }
    const { exec, prepare } = DatabaseSync.prototype
    DatabaseSync.prototype.exec = function (sql) { note(sql); return exec.call(this, sql) }
    DatabaseSync.prototype.prepare = function (sql) {
      const statement = prepare.call(this, sql)
      if (sql !== 'COMMIT') return statement
      return { run: () => { note(sql); return statement.run() } }
    }
    channel.onmessage = () => channel.postMessage(counts)
    channel.unref()
    await import(${JSON.stringify(new URL('../packages/core/src/store/worker.ts', import.meta.url).href)})
  `)}`,
)

interface Commits {
  FULL: number
  NORMAL: number
}

const folder = mkdtempSync(join(tmpdir(), 'lmapp-bench-'))
try {
  await measure()
} finally {
  rmSync(folder, { recursive: true, force: true })
}

async function measure(): Promise<void> {
  await using store = await openStore({ path: join(folder, 'history.sqlite'), workerUrl: countingWorker })
  using commits = openCounter()
  await using registry = openRegistry()
  const library = createModelLibrary({ modelsDir: folder, cacheDir: folder, environment: {} })
  const { config } = registry
  await using runs = createRunManager({ store, backends: registry.backends, library, config: async () => config })
  const ask = createAsking(runs, store)
  const rates = {
    off: [] as number[],
    on: [] as number[],
    commits: [] as number[],
    cpu: { on: [] as number[], off: [] as number[] },
  }
  for (let round = -1; round < rounds; round += 1) {
    for (const saved of [false, true]) {
      const before = await commits.read()
      const cpuBefore = process.cpuUsage()
      const { count, tookMs } = await askAround((n) => ask(saved, n))
      const { user, system } = process.cpuUsage(cpuBefore)
      const after = await commits.read()
      if (round < 0) continue
      rates[saved ? 'on' : 'off'].push((1000 * count) / tookMs)
      rates.cpu[saved ? 'on' : 'off'].push((user + system) / count)
      if (saved) {
        const [durable, normal] = [after.FULL - before.FULL, after.NORMAL - before.NORMAL]
        console.log(
          `commits per request: ${(durable / count).toFixed(3)} durable, ${(normal / count).toFixed(3)} normal`,
        )
      }
    }
  }
  const off = toFigures(rates.off).p50
  const on = toFigures(rates.on).p50
  console.log(`history off ${Math.round(off)}/s, on ${Math.round(on)}/s: ${(100 * (1 - on / off)).toFixed(1)} % fewer`)
  console.log(
    `CPU per request: off ${Math.round(toFigures(rates.cpu.off).p50)} µs, on ${Math.round(toFigures(rates.cpu.on).p50)} µs`,
  )
  await measureBegin(store)
}

/** A lone question, beside one fsync. */
async function measureBegin(store: Store): Promise<void> {
  const own: number[] = []
  const floor: number[] = []
  for (let n = 0; n < 200; n += 1) {
    const conversationId = createId()
    const runId = createId()
    const startedAt = performance.now()
    await store.beginRun({
      ...{ runId, owner, conversationId },
      newConversation: { title: 'Why?', system: null, model: null },
      question: { id: createId(), content: [{ type: 'text', text: 'Why is it so?' }], text: 'Why is it so?' },
      answer: { kind: 'new', id: createId() },
      snapshot: { candidates: ['box/m'], system: null, options: {}, request: {} },
    })
    own.push(performance.now() - startedAt)
    floor.push(fsyncOnce(folder))
    await store.endRun({ runId, state: 'complete', model: 'box/m', usage: {}, timings: {} })
  }
  const told = (values: number[]) => `p50 ${ms(toFigures(values).p50)}, p99 ${ms(toFigures(values).p99)}`
  console.log(`beginRun alone: ${told(own)}; an fsync: ${told(floor)}`)
}

function openCounter() {
  const channel = new BroadcastChannel(channelName)
  return {
    read: () =>
      new Promise<Commits>((resolve) => {
        channel.onmessage = (event) => resolve((event as { data: Commits }).data)
        channel.postMessage('?')
      }),
    [Symbol.dispose]: () => channel.close(),
  }
}

function openRegistry() {
  const models = { m: { reply: 'one two three four five six seven eight' } }
  const { config } = parseConfig(JSON.stringify({ backends: { box: { type: 'mock', models } } }), 'config.json')
  const mock = {
    name: 'mock',
    execution: 'built-in' as const,
    owner: 'lmapp' as const,
    create: () => createMockBackend({ models }),
  }
  const backends = createBackendRegistry({
    types: async () => new Map([[mock.name, mock]]),
    config: async () => config,
    automatic: async () => [],
    context: () => ({ timeouts: config.timeouts, dataDir: folder, logFile: '', modelsDir: folder }),
  })
  return { backends, config, [Symbol.asyncDispose]: () => backends[Symbol.asyncDispose]() }
}

/** As the dialects of the API do it. */
function createAsking(runs: RunManager, store: Store) {
  const keeper = createConversationKeeper(store)
  const common = { kind: 'ask', owner, environment: {}, model: 'box/m', allowFetch: false, offline: true } as const
  return async (saved: boolean, n: number): Promise<void> => {
    const content = [{ type: 'text' as const, text: `Question ${n}: how high does the tide rise at this shore?` }]
    const messages = [{ role: 'user' as const, content }]
    const request: RunRequest = { ...common, save: saved, messages, replay: false }
    const run = await (saved
      ? keeper.keep({ asker: 'bench', messages, model: 'box/m' }, (kept) => runs.start({ ...request, kept }))
      : runs.start(request))
    for await (const _ of run.batches({ from: 0 }));
  }
}

async function askAround(ask: (n: number) => Promise<void>): Promise<{ count: number; tookMs: number }> {
  const first = asked
  const startedAt = performance.now()
  const goOn = async () => {
    while (performance.now() - startedAt < forMs) {
      asked += 1
      await ask(same ? 0 : asked)
    }
  }
  await Promise.all(Array.from({ length: clients }, goOn))
  const count = asked - first
  return { count, tookMs: performance.now() - startedAt }
}
