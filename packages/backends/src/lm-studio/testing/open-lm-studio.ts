import { readFileSync } from 'node:fs'
import type { Backend, Message } from 'lmapp-kit'
import { type Answer, openReplay, type Routes } from '../../testing/replay-server.ts'
import { createLmStudioBackend, type LmStudioOptions } from '../lm-studio-backend.ts'

/** Long enough that only what is meant to end early does. */
export const patient = { connectMs: 10_000, stallMs: 10_000, loadMs: 10_000 }

/** An answer out of `fixtures/`. They are written from the documentation, as each says under `origin`. */
export function written(name: string): Required<Answer> {
  const text = readFileSync(new URL(`../fixtures/${name}.json`, import.meta.url), 'utf8')
  return JSON.parse(text).response
}

const unknown = written('unknown-endpoint')

/** LM Studio 0.4, which answers 200 to whatever it does not know. */
export function lmStudioRoutes(routes: Routes = {}): Routes {
  const paths = ['GET /api/v0/models', 'GET /v1/models', 'POST /v1/chat/completions', 'POST /v1/embeddings']
  return {
    ...Object.fromEntries(paths.map((path) => [path, unknown])),
    'GET /lmstudio-greeting': written('greeting'),
    'GET /api/v1/models': written('models-v1'),
    ...routes,
  }
}

export function open({ url }: { url: string }, timeouts: Partial<LmStudioOptions['timeouts']> = {}): Backend {
  return createLmStudioBackend({ url, timeouts: { ...patient, ...timeouts } })
}

export async function serve(routes: Routes) {
  const stack = new AsyncDisposableStack()
  const replay = stack.use(await openReplay(lmStudioRoutes(routes)))
  const backend = stack.use(open(replay))
  return { replay, backend, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

export function user(text: string): Message {
  return { role: 'user', content: [{ type: 'text', text }] }
}
