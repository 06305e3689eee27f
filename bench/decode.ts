/**
 * How fast embedded reads and writes beside the real llama-server: the same file, the same prompt, as many threads, both
 * seen from outside, taking turns and never at once. Alone: `node --conditions=lmapp-source bench/decode.ts [rounds [threads]]`.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import http from 'node:http'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createSubprocessBackend, parseManifest } from '../packages/backends/src/plugins/index.ts'
import type { Backend } from '../packages/kit/src/index.ts'
import { countThreads } from '../plugins/embedded/src/runtime/threads.ts'
import { openLlamaServer } from './llama-server.ts'
import { toFigures } from './measure.ts'

export interface DecodeOptions {
  cache: string
  model: string
  rounds?: number
  /** Of both. Default: the cores that there are. */
  threads?: number
  row: (what: string, measured: string, floor: string, goal: string, met: boolean) => void
}

interface Speeds {
  /** Tokens a second. */
  prompt: number
  decode: number
  promptTokens: number
}

const answerTokens = 128
const least = 0.95
const usualRounds = 3

/** Decode and prompt speed of embedded, each beside llama-server's. */
export async function measureDecode({
  cache,
  model,
  rounds = usualRounds,
  row,
  ...rest
}: DecodeOptions): Promise<void> {
  const program = join(cache, 'llama.cpp/bin/llama-server')
  if (!existsSync(model) || !existsSync(program)) {
    row('decode speed, embedded', 'not measured', 'run scripts/install-engines.sh', `≥ ${least} ×`, false)
    return
  }
  const threads = countThreads(rest.threads)
  await using own = openEmbedded(model, threads)
  await using bare = await openLlamaServer({ program, model, threads, contextLength: 4096 })
  const measured: { own: Speeds[]; bare: Speeds[] } = { own: [], bare: [] }
  for (let n = -1; n < rounds; n++) {
    const pair = { own: await askEmbedded(own.backend, n), bare: await askServer(bare.url, n) }
    if (n < 0) continue
    measured.own.push(pair.own)
    measured.bare.push(pair.bare)
  }
  for (const [what, name] of [
    ['decode speed, embedded', 'decode'],
    [`prompt speed, ${measured.own[0]?.promptTokens} tokens, embedded`, 'prompt'],
  ] as const) {
    const [a, b] = [measured.own, measured.bare].map((all) => toFigures(all.map((speeds) => speeds[name])).p50)
    if (a === undefined || b === undefined) continue
    const met = a >= least * b
    row(what, `${a.toFixed(1)} tokens/s, ${(a / b).toFixed(2)} ×`, `llama-server ${b.toFixed(1)}`, `≥ ${least} ×`, met)
  }
}

/** Another beginning each time, so that nothing read before is of use. */
function toQuestion(n: number): string {
  const log = 'The lighthouse keeper wrote down what he saw that day, the ships and the weather and the birds. '.repeat(
    45,
  )
  return `Day ${n}. ${log}\nWrite a very long story about it.`
}

interface OpenEmbedded extends AsyncDisposable {
  backend: Backend
}

function openEmbedded(model: string, threads: number): OpenEmbedded {
  const directory = fileURLToPath(new URL('../plugins/embedded', import.meta.url))
  const file = join(directory, 'lmapp-backend.json')
  const folder = mkdtempSync(join(tmpdir(), 'lmapp-bench-'))
  const backend = createSubprocessBackend({
    manifest: { ...parseManifest(readFileSync(file, 'utf8'), file), command: ['node', 'src/main.ts'] },
    directory,
    config: { models: { model }, threads },
    secrets: {},
    dataDir: join(folder, 'data'),
    logFile: join(folder, 'embedded.log'),
    environment: process.env,
    execArgv: ['--conditions=lmapp-source'],
  })
  return {
    backend,
    async [Symbol.asyncDispose]() {
      await backend.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function askEmbedded(backend: Backend, n: number): Promise<Speeds> {
  await backend.start()
  await backend.loadModel?.('model')
  const clock = createClock()
  const messages = [{ role: 'user' as const, content: [{ type: 'text' as const, text: toQuestion(n) }] }]
  const options = { temperature: 0, maxTokens: answerTokens }
  for await (const part of backend.chat({ model: 'model', messages, options })) {
    if (part.type === 'text-delta') clock.mark()
    if (part.type === 'finish') return clock.toSpeeds(part.usage.inputTokens, part.usage.outputTokens)
  }
  throw new Error('The answer has no end')
}

async function askServer(url: string, n: number): Promise<Speeds> {
  let prompt = ''
  await post(`${url}/apply-template`, { messages: [{ role: 'user', content: toQuestion(n) }] }, (text) => {
    prompt += JSON.parse(text).prompt ?? ''
  })
  const clock = createClock()
  let figures = { tokens_evaluated: 0, tokens_predicted: 0 }
  const request = { prompt, n_predict: answerTokens, temperature: 0, stream: true, cache_prompt: false }
  await post(`${url}/completion`, request, (line) => {
    if (!line.startsWith('data: ')) return
    const event = JSON.parse(line.slice(6))
    if (event.content !== '') clock.mark()
    if (event.stop) figures = event
  })
  return clock.toSpeeds(figures.tokens_evaluated, figures.tokens_predicted)
}

async function post(url: string, body: object, onLine: (line: string) => void): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const request = http.request(url, { method: 'POST', agent: false }, (response) => {
    let rest = ''
    response.setEncoding('utf8')
    response.on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) onLine(line)
    })
    response.on('end', () => {
      if (rest !== '') onLine(rest)
      resolve()
    })
  })
  request.on('error', reject)
  request.end(JSON.stringify(body))
  await promise
}

/** Begins when it is made. Reading ends with the first text, writing with the last. */
function createClock() {
  const begun = performance.now()
  let first = 0
  let last = 0
  return {
    mark(): void {
      last = performance.now()
      first ||= last
    },
    toSpeeds(promptTokens = 0, written = 0): Speeds {
      if (written !== answerTokens) throw new Error(`It wrote ${written} tokens and not ${answerTokens}`)
      const prompt = (1000 * promptTokens) / (first - begun)
      return { prompt, decode: (1000 * (written - 1)) / (last - first), promptTokens }
    },
  }
}

if (import.meta.main) {
  const cache = process.env.LMAPP_TEST_CACHE ?? join(homedir(), '.cache', 'lmapp-test')
  await measureDecode({
    cache,
    model: join(cache, 'models/SmolLM2-135M-Instruct.Q4_1.gguf'),
    rounds: Number(process.argv[2] ?? usualRounds),
    ...(process.argv[3] !== undefined && { threads: Number(process.argv[3]) }),
    row: (what, measured, floor, goal, met) =>
      console.log(`${met ? 'met   ' : 'missed'} ${what}: ${measured} (${floor}, goal ${goal})`),
  })
}
