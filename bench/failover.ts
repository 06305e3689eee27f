import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import http from 'node:http'
import { join } from 'node:path'
import type { LmappClient } from '../packages/client/src/index.ts'
import { openBenchHome } from './bench-home.ts'
import { ms, toFigures } from './measure.ts'

type Row = (what: string, measured: string, floor: string, goal: string, met: boolean) => void

const rounds = 5
const deltasBefore = 12
const question = 'Tell me about the sea, in many words.'

/**
 * The first of two real engines is killed in mid-answer: how soon that is noticed, and how soon the second one goes on.
 * Beside it the second one's own first token for the same prompt and partial answer, which it has read before as well.
 */
export async function measureFailover({
  cache,
  model,
  row,
}: {
  cache: string
  model: string
  row: Row
}): Promise<void> {
  const program = join(cache, 'llama.cpp/bin/llama-server')
  if (!existsSync(model) || !existsSync(program)) {
    row('handover in mid-answer', 'not measured', 'run scripts/install-engines.sh', '≤ 50 ms more', false)
    return
  }
  const port = 20_001 + (process.pid % 10_000)
  const start = (at: number) => startEngine([program, '-m', model, '--port', `${at}`, ...flags])
  let first = await start(port)
  const second = await start(port + 1)
  const [one, two] = [port, port + 1].map((at) => `http://127.0.0.1:${at}`)
  using home = openBenchHome({
    backends: { one: { type: 'llama-server', url: one }, two: { type: 'llama-server', url: two } },
    aliases: { both: ['one/m', 'two/m'] },
  })
  const client = home.openClient()
  const times = { noticed: [] as number[], added: [] as number[], own: [] as number[] }
  try {
    // The first round proves that the second engine can go on exactly, which is remembered.
    for (let round = 0; round <= rounds; round += 1) {
      const noticedMs = await killInAnswer(client, 'one/m', first, 'end')
      first = await revive(client, () => start(port))
      const { tookMs, text } = await killInAnswer(client, 'both', first, 'text-delta')
      first = await revive(client, () => start(port))
      const ownMs = await firstTokenOf(two ?? '', text)
      if (round === 0) continue
      times.noticed.push(noticedMs.tookMs)
      times.added.push(tookMs - ownMs)
      times.own.push(ownMs)
    }
  } finally {
    for (const child of [first, second]) child.kill('SIGKILL')
  }
  const noticed = toFigures(times.noticed).p50
  const added = toFigures(times.added).p50
  row('an engine that is killed in mid-answer is noticed after', ms(noticed), '–', '–', true)
  row(
    'the first token of the second engine comes later than its own by',
    ms(added),
    `llama-server ${ms(toFigures(times.own).p50)}`,
    '≤ 50 ms',
    added <= 50,
  )
}

const flags = ['--host', '127.0.0.1', '--alias', 'm', '-t', '1', '-c', '2048', '-np', '1', '--no-webui']

async function startEngine([program = '', ...args]: string[]): Promise<ChildProcess> {
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  for await (const chunk of child.stderr.iterator({ destroyOnReturn: false })) {
    if (String(chunk).includes('listening on')) break
  }
  child.stderr.resume()
  return child
}

async function revive(client: LmappClient, start: () => Promise<ChildProcess>): Promise<ChildProcess> {
  const engine = await start()
  await client.startBackend('one')
  return engine
}

/** Milliseconds from the kill, after some words, to the next event of that type; and the words until then. */
async function killInAnswer(
  client: LmappClient,
  model: string,
  engine: ChildProcess,
  until: 'end' | 'text-delta',
): Promise<{ tookMs: number; text: string }> {
  const content = [{ type: 'text' as const, text: question }]
  const options = { temperature: 0, maxTokens: 40 }
  const run = await client.createRun({ model, content, options, save: false })
  let deltas = 0
  let text = ''
  let killedAt = 0
  let handedOver = until === 'end'
  let tookMs = 0
  for await (const { event } of run.events) {
    if (event.type === 'handover') handedOver = true
    if (killedAt > 0 && handedOver && event.type === until) tookMs ||= performance.now() - killedAt
    if (event.type !== 'text-delta' || tookMs > 0) continue
    text += event.text
    deltas += 1
    if (deltas !== deltasBefore) continue
    const closed = once(engine, 'exit')
    engine.kill('SIGKILL')
    killedAt = performance.now()
    await closed
  }
  return { tookMs, text }
}

/** As the adapter asks: by the rendered prompt, with the partial answer behind it. */
async function firstTokenOf(url: string, partial: string): Promise<number> {
  const messages = [{ role: 'user', content: question }]
  const { prompt } = JSON.parse(await post(`${url}/apply-template`, { messages }))
  const body = { prompt: prompt + partial, temperature: 0, n_predict: 4, stream: true }
  let firstMs = 0
  const startedAt = performance.now()
  await post(`${url}/completion`, body, () => {
    firstMs ||= performance.now() - startedAt
  })
  return firstMs
}

function post(url: string, body: object, onData?: () => void): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const request = http.request(url, { method: 'POST', headers: { 'content-type': 'application/json' } }, (response) => {
    let text = ''
    response.setEncoding('utf8').on('data', (chunk) => {
      onData?.()
      text += chunk
    })
    response.on('end', () => resolve(text))
  })
  request.on('error', reject).end(JSON.stringify(body))
  return promise
}
