import type { ServerResponse } from 'node:http'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { delta, done, events, json } from '../../openai-wire/testing/recordings.ts'
import { openReplay, type ReplayServer, type SeenRequest } from '../../testing/replay-server.ts'
import { listOf } from './open-compatible.ts'

/** Models that fail, each in its way after some tokens; the last four before any. */
export const faults = ['drop', 'cleanEnd', 'error', 'malformed', 'stall', 'hang', 'refuse', 'failAtOnce', 'loadFails']

interface Asked {
  model: string
  messages: { role: string; content: unknown }[]
  max_tokens?: number
  stop?: string[]
  tools?: unknown[]
  response_format?: unknown
  chat_template_kwargs?: { enable_thinking?: boolean }
}

/** A server with the manners of vLLM, whose answers follow from the question. There is no model in it. */
export function openDictated(): Promise<ReplayServer> {
  const models = ['able', ...faults].map((id) => ({ id, owned_by: 'vllm', max_model_len: 4096 }))
  return openReplay({
    'GET /v1/models': listOf(...models),
    'GET /version': json({ version: '0.12.0' }),
    'POST /v1/chat/completions': answer,
    'POST /v1/embeddings': (response, { body }) => {
      const data = (body.input as string[]).map((text, index) => ({ index, embedding: toVector(text) }))
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ data }))
    },
  })
}

async function answer(response: ServerResponse, { body }: SeenRequest): Promise<unknown> {
  const asked = body as unknown as Asked
  if (asked.model === 'hang') return
  const refusal = refusals[asked.model]
  if (refusal) return response.writeHead(refusal.status).end(JSON.stringify({ error: { message: refusal.said } }))
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  const write = (...messages: unknown[]) => void response.write(events(...messages).body)
  const prompt = JSON.stringify(asked.messages)
  const usage = { prompt_tokens: Math.ceil(prompt.length / 3) }

  if (asked.tools && asked.messages.at(-1)?.role === 'user') {
    const call = (fields: object) => delta({ tool_calls: [{ index: 0, ...fields }] })
    write(call({ id: 'call-1', type: 'function', function: { name: 'get_weather', arguments: '' } }))
    write(call({ function: { arguments: '{"city":' } }), call({ function: { arguments: '"Paris"}' } }))
    write(delta({}, 'tool_calls'), { choices: [], usage: { ...usage, completion_tokens: 9 } }, done)
    return response.end()
  }
  if (asked.chat_template_kwargs?.enable_thinking) write(delta({ reasoning: 'Let me see.' }))
  const { tokens, reason } = toTokens(asked, prompt)
  for (const [index, token] of tokens.entries()) {
    write(delta({ content: token }))
    await nextTurn()
    if (response.destroyed) return
    if (index === 3 && asked.model !== 'able') return fail(response, asked.model, write)
  }
  write(delta({}, reason), { choices: [], usage: { ...usage, completion_tokens: tokens.length } }, done)
  return response.end()
}

const refusals: Record<string, { status: number; said: string }> = {
  refuse: { status: 403, said: 'Not with this key.' },
  failAtOnce: { status: 500, said: 'boom' },
  loadFails: { status: 500, said: 'failed to load model' },
}

function fail(response: ServerResponse, fault: string, write: (...messages: unknown[]) => void): unknown {
  switch (fault) {
    case 'drop':
      return response.socket?.destroySoon()
    case 'cleanEnd':
      return response.end()
    case 'error':
      write({ error: { message: 'boom', type: 'InternalServerError', code: 500 } }, done)
      return response.end()
    case 'malformed':
      write('<html>', delta({}, 'stop'), done)
      return response.end()
    default:
      return undefined
  }
}

function toTokens(asked: Asked, prompt: string): { tokens: string[]; reason: string } {
  const whole = toText(asked, prompt)
  const stops = (asked.stop ?? []).map((stop) => whole.indexOf(stop)).filter((at) => at >= 0)
  const all = (stops.length > 0 ? whole.slice(0, Math.min(...stops)) : whole).match(/ ?[^ ]+|./gu) ?? []
  const tokens = all.slice(0, asked.max_tokens ?? all.length)
  return { tokens, reason: tokens.length < all.length ? 'length' : 'stop' }
}

function toText(asked: Asked, prompt: string): string {
  if (asked.response_format) return '{"name": "Ada", "age": 36}'
  if (/hello/i.test(prompt)) return 'Hello to you!'
  if (prompt.includes('🐟')) return '🐟 é 漢字 👩‍👧 🙂🙂🙂 Ω'
  const count = prompt.includes('long story') ? 2000 : 40
  let seed = [...prompt].reduce((sum, character) => (sum * 31 + character.charCodeAt(0)) % 65_521, 7)
  const words = Array.from({ length: count }, () => {
    seed = (seed * 75 + 74) % 65_537
    return `w${seed.toString(36)}`
  })
  return words.join(' ')
}

function toVector(text: string): number[] {
  return [text.length, text.charCodeAt(0), 1]
}
