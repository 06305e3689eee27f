/**
 * node bench/wire.ts (from the sources: --conditions=lmapp-source): what reading a stream of an OpenAI-compatible server costs
 * in this process, from the socket to the taker of an attempt, beside a bare reader that parses the same events.
 */
import { createHook } from 'node:async_hooks'
import http from 'node:http'
import { fileURLToPath } from 'node:url'
import { openaiCompatibleBackendType } from '../packages/backends/src/openai-compatible/index.ts'
import { createBackendRegistry } from '../packages/core/src/backends/index.ts'
import { parseConfig } from '../packages/core/src/config/index.ts'
import { runAttempt } from '../packages/core/src/runs/attempt.ts'
import { startServer } from './measure.ts'

interface Work {
  what: string
  model: string
  tokens: number
  requests: number
  /** Requests that run side by side. */
  clients: number
}

const works: Work[] = [
  { what: 'one burst of 20,000 tokens', model: 'burst-20000', tokens: 20_000, requests: 5, clients: 1 },
  { what: '4,000 tokens, each in its own write', model: 'paced-4000', tokens: 4_000, requests: 5, clients: 1 },
  { what: 'answers of 8 tokens, one at a time', model: 'burst-8', tokens: 8, requests: 1_000, clients: 1 },
  { what: 'answers of 8 tokens, 16 at a time', model: 'burst-8', tokens: 8, requests: 3_000, clients: 16 },
]

const engine = await startServer([process.execPath, fileURLToPath(new URL('./floors/compatible.mjs', import.meta.url))])
try {
  await measure()
} finally {
  engine.child.kill()
}

async function measure(): Promise<void> {
  const backends = { box: { type: 'openai-compatible', url: `${engine.address}/v1` } }
  const { config } = parseConfig(JSON.stringify({ backends }), 'config.json')
  const types = new Map([[openaiCompatibleBackendType.name, openaiCompatibleBackendType]])
  await using registry = createBackendRegistry({
    types: async () => types,
    config: async () => config,
    automatic: async () => [],
    context: () => ({ timeouts: config.timeouts, dataDir: '', logFile: '', modelsDir: '' }),
  })
  const target = await registry.get('box', {})
  const { signal } = new AbortController()
  const ask = async (model: string): Promise<number> => {
    let deltas = 0
    const take = ({ type }: { type: string }): undefined => {
      deltas += Number(type === 'text-delta')
    }
    const messages = [{ role: 'user' as const, content: [{ type: 'text' as const, text: 'Go.' }] }]
    await runAttempt({ target, request: { model, messages }, signal, offline: true, take })
    return deltas
  }
  console.log('| what | µs a token | µs a request | bare reader | | promises a token | a request |')
  console.log('|---|---|---|---|---|---|---|')
  for (const work of works) await report(work, ask)
}

async function report(work: Work, ask: (model: string) => Promise<number>): Promise<void> {
  using bare = openBareReader(engine.address)
  const cpu = { own: Number.POSITIVE_INFINITY, bare: Number.POSITIVE_INFINITY }
  for (let round = 0; round < 5; round += 1) {
    cpu.own = Math.min(cpu.own, await cpuOf(work, ask))
    cpu.bare = Math.min(cpu.bare, await cpuOf(work, bare.ask))
  }
  const promises = await promisesOf(work, ask)
  const each = (value: number, of: number) => (value / of).toFixed(1)
  const { requests, tokens } = work
  const all = requests * tokens
  const times = `${(cpu.own / cpu.bare).toFixed(2)} ×`
  const columns = [each(cpu.own, all), each(cpu.own, requests), each(cpu.bare, requests), times]
  console.log(`| ${[work.what, ...columns, each(promises, all), each(promises, requests)].join(' | ')} |`)
}

/** Microseconds of this process, the kernel's share included. */
async function cpuOf(work: Work, ask: (model: string) => Promise<number>): Promise<number> {
  const before = process.cpuUsage()
  await carryOut(work, ask)
  const { user, system } = process.cpuUsage(before)
  return user + system
}

async function promisesOf(work: Work, ask: (model: string) => Promise<number>): Promise<number> {
  let count = 0
  const hook = createHook({
    init(_id, type) {
      count += Number(type === 'PROMISE')
    },
  })
  hook.enable()
  await carryOut(work, ask)
  hook.disable()
  return count
}

async function carryOut({ model, tokens, requests, clients }: Work, ask: (model: string) => Promise<number>) {
  let left = requests
  const client = async () => {
    while (left > 0) {
      left -= 1
      const came = await ask(model)
      if (came !== tokens) throw new Error(`${came} of ${tokens} tokens came.`)
    }
  }
  await Promise.all(Array.from({ length: clients }, client))
}

function openBareReader(address: string): { ask(model: string): Promise<number> } & Disposable {
  const agent = new http.Agent({ keepAlive: true })
  const headers = { 'content-type': 'application/json' }
  const ask = (model: string): Promise<number> => {
    const { promise, resolve, reject } = Promise.withResolvers<number>()
    const request = http.request(`${address}/v1/chat/completions`, { method: 'POST', agent, headers }, (answer) => {
      let rest = ''
      let tokens = 0
      answer.setEncoding('utf8')
      answer.on('data', (text) => {
        const events = (rest + text).split('\n\n')
        rest = events.pop() ?? ''
        for (const event of events) {
          const data = event.slice('data: '.length)
          if (data !== '[DONE]' && JSON.parse(data).choices[0].delta.content) tokens += 1
        }
      })
      answer.on('end', () => resolve(tokens))
    })
    request.on('error', reject)
    request.end(JSON.stringify({ model, messages: [{ role: 'user', content: 'Go.' }], stream: true }))
    return promise
  }
  return { ask, [Symbol.dispose]: () => agent.destroy() }
}
