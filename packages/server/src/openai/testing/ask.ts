import assert from 'node:assert/strict'
import type { Dictation } from '../../testing/dictated-backend.ts'
import { jsonType } from '../../testing/raw-request.ts'
import { startTestService, type TestService } from '../../testing/test-app.ts'

/** JSON as a test looks into it: what is not there is undefined, and comparing it fails. */
export type Json = ReturnType<typeof JSON.parse>

export interface Answered {
  status: number
  headers: Headers
  body: Json
}

export const hello = [{ role: 'user', content: 'Hello' }]

export function post(
  service: TestService,
  path: string,
  body: unknown,
  { headers = {}, signal }: { headers?: Record<string, string>; signal?: AbortSignal } = {},
): Promise<Response> {
  return fetch(service.address + path, {
    method: 'POST',
    headers: { ...jsonType, ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...(signal && { signal }),
  })
}

export async function read(asked: Promise<Response>): Promise<Answered> {
  const response = await asked
  return { status: response.status, headers: response.headers, body: JSON.parse(await response.text()) }
}

/** A service whose model cannot see images. */
export async function startBlindService(): Promise<TestService> {
  const service = await startTestService()
  const tiny = { id: 'tiny', loaded: true, capabilities: { vision: 'no' } }
  Object.assign(service.backend.backend, { listModels: async () => [tiny] })
  return service
}

/** Asks for a whole answer, which the test dictates. */
export async function askWhole(
  service: TestService,
  path: string,
  body: object,
  dictate: (chat: Dictation) => Promise<void> | void,
): Promise<Answered & { chat: Dictation }> {
  const asked = post(service, path, body)
  const chat = await taken(service, asked)
  await dictate(chat)
  return { ...(await read(asked)), chat }
}

export interface Streamed {
  headers: Headers
  /** Of each event, parsed; `[DONE]` as it is. */
  events: Json[]
  comments: string[]
  text: string
}

/** Asks for a stream, which the test dictates. */
export async function askStream(
  service: TestService,
  path: string,
  body: object,
  dictate: (chat: Dictation) => Promise<void> | void,
): Promise<Streamed> {
  const asked = post(service, path, { ...body, stream: true })
  await dictate(await taken(service, asked))
  return readStream(await asked)
}

/** The chat that a request leads to; fails with the answer of one that leads to none. */
async function taken(service: TestService, asked: Promise<Response>): Promise<Dictation> {
  const refused = asked.then(async (response) => assert.fail(await response.clone().text()))
  refused.catch(() => {})
  return Promise.race([service.backend.nextChat(), refused])
}

export async function readStream(response: Response): Promise<Streamed> {
  assert.equal(response.status, 200)
  assert.match(response.headers.get('content-type') ?? '', /^text\/event-stream/)
  const text = await response.text()
  const frames = text.split('\n\n').filter((frame) => frame !== '')
  return {
    headers: response.headers,
    text,
    events: frames.filter((frame) => frame.startsWith('data: ')).map((frame) => toEvent(frame.slice('data: '.length))),
    comments: frames.filter((frame) => frame.startsWith(':')),
  }
}

function toEvent(data: string): Json {
  return data === '[DONE]' ? data : JSON.parse(data)
}
