import { readFileSync } from 'node:fs'
import type { Answer, Routes } from '../../testing/replay-server.ts'

export { type Answer, openReplay, type Routes, startOf } from '../../testing/replay-server.ts'

/** An exchange out of `fixtures/`, as the real engine gave it. */
export function recorded(name: string): Required<Answer> {
  const text = readFileSync(new URL(`../fixtures/${name}.json`, import.meta.url), 'utf8')
  return JSON.parse(text).response
}

/** What every Ollama answers, and the model of the recordings. */
export function ollamaRoutes(routes: Routes = {}): Routes {
  return {
    'GET /': recorded('greeting'),
    'GET /api/version': recorded('version'),
    'GET /api/tags': recorded('tags'),
    'GET /api/ps': recorded('ps-empty'),
    'POST /api/show': recorded('show'),
    ...routes,
  }
}

/** NDJSON as `/api/chat` sends it, for what no recording has. */
export function lines(...messages: unknown[]): Required<Answer> {
  const text = messages.map((message) => (typeof message === 'string' ? message : JSON.stringify(message))).join('\n')
  return { status: 200, headers: { 'content-type': 'application/x-ndjson' }, body: `${text}\n` }
}
