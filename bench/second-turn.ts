import { existsSync } from 'node:fs'
import http from 'node:http'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import type { LmappClient } from '../packages/client/src/index.ts'
import { openLlamaServer } from './llama-server.ts'
import { ms, toFigures } from './measure.ts'

export interface SecondTurnOptions {
  client: LmappClient
  cache: string
  model: string
  row: (what: string, measured: string, floor: string, goal: string, met: boolean) => void
}

const long = 'The lighthouse keeper wrote down what he saw that day, the ships and the weather and the birds. '.repeat(
  50,
)
const rounds = 5

/** The first token of a second turn, after a prompt of some thousand tokens: embedded beside llama-server, never both at once. */
export async function measureSecondTurn({ client, cache, model, row }: SecondTurnOptions): Promise<void> {
  const server = join(cache, 'llama.cpp/bin/llama-server')
  if (!existsSync(model) || !existsSync(server)) {
    row('second turn of a long conversation', 'not measured', 'run scripts/install-engines.sh', '≤ 1.5 ×', false)
    return
  }
  const own: number[] = []
  for (let n = 0; n < rounds; n++) own.push(await secondTurnOfLmapp(client, n))
  const bare = await measureServer(server, model)
  const [a, b] = [toFigures(own).p50, toFigures(bare).p50]
  row(
    'second turn of a long conversation, embedded',
    `${ms(a)}, ${(a / b).toFixed(2)} ×`,
    `llama-server ${ms(b)}`,
    '≤ 1.5 ×',
    a <= 1.5 * b,
  )
}

async function secondTurnOfLmapp(client: LmappClient, n: number): Promise<number> {
  const ask = async (text: string, conversation?: string) => {
    const startedAt = performance.now()
    const run = await client.createRun({
      model: 'embedded/smollm2-135m',
      content: [{ type: 'text', text }],
      options: { temperature: 0, maxTokens: 16 },
      ...(conversation !== undefined && { conversation }),
    })
    let firstMs = 0
    let found = ''
    for await (const { event } of run.events) {
      if (event.type === 'start') found = event.conversation ?? ''
      if (event.type === 'text-delta') firstMs ||= performance.now() - startedAt
    }
    return { firstMs, conversation: found }
  }
  const first = await ask(`${n}. ${long}`)
  return (await ask('What did he see?', first.conversation)).firstMs
}

async function measureServer(program: string, model: string): Promise<number[]> {
  const threads = Math.max(1, availableParallelism())
  await using server = await openLlamaServer({ program, model, threads, contextLength: 8192 })
  const times: number[] = []
  for (let n = 0; n < rounds; n++) times.push(await secondTurnOfServer(server.url, n))
  return times
}

async function secondTurnOfServer(url: string, n: number): Promise<number> {
  const messages = [{ role: 'user', content: `${n}. ${long}` }]
  const first = await chat(url, messages)
  const second = await chat(url, [
    ...messages,
    { role: 'assistant', content: first.text },
    { role: 'user', content: 'What did he see?' },
  ])
  return second.firstMs
}

function chat(url: string, messages: object[]): Promise<{ firstMs: number; text: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ firstMs: number; text: string }>()
  const startedAt = performance.now()
  const request = http.request(`${url}/v1/chat/completions`, { method: 'POST', agent: false }, (response) => {
    let rest = ''
    let text = ''
    let firstMs = 0
    response.setEncoding('utf8')
    response.on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        if (!line.startsWith('data: {')) continue
        const content = JSON.parse(line.slice(6)).choices?.[0]?.delta?.content ?? ''
        if (content !== '') firstMs ||= performance.now() - startedAt
        text += content
      }
    })
    response.on('end', () => resolve({ firstMs, text }))
  })
  request.on('error', reject)
  request.end(JSON.stringify({ messages, stream: true, max_tokens: 16, temperature: 0, cache_prompt: true }))
  return promise
}
