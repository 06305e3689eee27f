import { readFileSync } from 'node:fs'
import type { Answer } from '../../testing/replay-server.ts'

/** An exchange out of `fixtures/`, as `llama-server/chat`: what the real engine answered. */
export function recorded(name: string): Required<Answer> {
  const text = readFileSync(new URL(`../fixtures/${name}.json`, import.meta.url), 'utf8')
  return JSON.parse(text).response
}

/** The events of a recording, as values. */
export function eventsOf(answer: Answer): Record<string, unknown>[] {
  const lines = answer.body.split('\n').filter((line) => line.startsWith('data: {'))
  return lines.map((line) => JSON.parse(line.slice('data: '.length)))
}

/** An event stream, for what no recording has. A text stands as it is. */
export function events(...messages: unknown[]): Required<Answer> {
  const data = messages.map((message) => (typeof message === 'string' ? message : JSON.stringify(message)))
  return {
    status: 200,
    headers: { 'content-type': 'text/event-stream' },
    body: data.map((text) => `data: ${text}\n\n`).join(''),
  }
}

export const done = '[DONE]'

/** One event with a delta. */
export function delta(fields: Record<string, unknown>, reason: string | null = null): Record<string, unknown> {
  return { object: 'chat.completion.chunk', model: 'm', choices: [{ index: 0, delta: fields, finish_reason: reason }] }
}

export function json(value: unknown, status = 200): Required<Answer> {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) }
}
