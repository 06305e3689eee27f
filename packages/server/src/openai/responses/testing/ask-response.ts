import assert from 'node:assert/strict'
import type { Dictation } from '../../../testing/dictated-backend.ts'
import type { TestService } from '../../../testing/test-app.ts'
import { type Answered, type Json, post, read } from '../../testing/ask.ts'

export const path = '/v1/responses'

/** Asks for a whole response, which the test dictates. */
export async function askResponse(
  service: TestService,
  body: object,
  dictate: (chat: Dictation) => Promise<void> | void = (chat) => answer(chat, 'Hi.'),
  headers: Record<string, string> = {},
): Promise<Answered & { chat: Dictation }> {
  const asked = post(service, path, { input: 'Hello', ...body }, { headers })
  const chat = await service.backend.nextChat()
  await dictate(chat)
  return { ...(await read(asked)), chat }
}

/** What is refused before anything is asked. */
export function refused(service: TestService, body: unknown): Promise<Answered> {
  return read(post(service, path, body))
}

export async function answer(chat: Dictation, text: string): Promise<void> {
  await chat.say(text)
  await chat.finish()
}

export async function get(service: TestService, suffix: string, init: RequestInit = {}): Promise<Answered> {
  return read(fetch(`${service.address}${path}/${suffix}`, init))
}

export function remove(service: TestService, id: string): Promise<Answered> {
  return get(service, id, { method: 'DELETE' })
}

export function cancel(service: TestService, id: string): Promise<Answered> {
  return get(service, `${id}/cancel`, { method: 'POST', headers: { 'content-type': 'application/json' } })
}

/** Reads a stream event by event. */
export async function* readEvents(response: Response): AsyncGenerator<Json> {
  assert.equal(response.status, 200)
  assert.match(response.headers.get('content-type') ?? '', /^text\/event-stream/)
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true })
    const frames = text.split('\n\n')
    text = frames.pop() ?? ''
    for (const frame of frames) {
      if (frame.startsWith(':')) continue
      const [, type, data] = /^event: (\S+)\ndata: (.*)$/.exec(frame) ?? []
      const event = JSON.parse(data ?? 'null')
      assert.equal(event.type, type, 'the line "event" and the type are the same')
      yield event
    }
  }
  assert.equal(text, '')
}

/** Asks for a stream, which the test dictates. */
export async function askEvents(
  service: TestService,
  body: object,
  dictate: (chat: Dictation) => Promise<void> | void = (chat) => answer(chat, 'Hi.'),
): Promise<Json[]> {
  const asked = post(service, path, { input: 'Hello', ...body, stream: true })
  await dictate(await service.backend.nextChat())
  return Array.fromAsync(readEvents(await asked))
}

export const typesOf = (events: Json[]): string[] => events.map(({ type }) => type.replace(/^response\./, ''))
