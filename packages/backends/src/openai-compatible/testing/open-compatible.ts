import type { Backend, Message } from 'lmapp-kit'
import { json } from '../../openai-wire/testing/recordings.ts'
import { openReplay, type Routes } from '../../testing/replay-server.ts'
import { createOpenAiCompatibleBackend, type OpenAiCompatibleOptions } from '../openai-compatible-backend.ts'

/** Long enough that only what is meant to end early does. */
export const patient = { connectMs: 10_000, stallMs: 10_000, loadMs: 10_000 }

export function open({ url }: { url: string }, timeouts: Partial<OpenAiCompatibleOptions['timeouts']> = {}): Backend {
  return createOpenAiCompatibleBackend({ url, timeouts: { ...patient, ...timeouts } })
}

/** A server with these routes, and a backend for its `/v1`. */
export async function serve(routes: Routes) {
  const stack = new AsyncDisposableStack()
  const replay = stack.use(await openReplay(routes))
  const backend = stack.use(open({ url: `${replay.url}/v1` }))
  return { replay, backend, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

export function user(text: string): Message {
  return { role: 'user', content: [{ type: 'text', text }] }
}

export function listOf(...models: Record<string, unknown>[]) {
  return json({ object: 'list', data: models })
}

/** As the `ModelCard` of vLLM has it. */
export function vllmList(more: Record<string, unknown> = {}) {
  return listOf({
    id: 'org/model',
    object: 'model',
    created: 1,
    owned_by: 'vllm',
    root: 'org/model',
    parent: null,
    max_model_len: 4096,
    permission: [],
    ...more,
  })
}
