import assert from 'node:assert/strict'
import { findMismatches } from '@lmapp/core/structured'
import type { JsonSchema } from '../../parse/fields.ts'
import type { TestService } from '../../testing/test-app.ts'
import type { DeltaUsage, MessageUsage, StopReason } from '../message.ts'

/** What a message counts; what is not told is as good as nothing. */
export function usageOf(told: Partial<MessageUsage>): MessageUsage {
  return { ...deltaUsageOf(told), cache_creation: null, service_tier: null, inference_geo: null }
}

/** What the end of a stream counts. */
export function deltaUsageOf(told: Partial<DeltaUsage>): DeltaUsage {
  return {
    input_tokens: 0,
    output_tokens: 0,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
    output_tokens_details: null,
    server_tool_use: null,
    ...told,
  }
}

/** What says how a message ended. */
export function endOf(reason: StopReason | null) {
  return { stop_reason: reason, stop_sequence: null, stop_details: null, container: null }
}

export const textBlock = (text: string) => ({ type: 'text', text, citations: null })

export const toolUse = (id: string, input: object) => ({
  type: 'tool_use',
  id,
  name: 'clock',
  input,
  caller: { type: 'direct' },
})

/** The data of one event, under its name. */
export interface SentEvent {
  event: string
  data: Record<string, unknown>
}

export const hello = { model: 'dictated/tiny', max_tokens: 100, messages: [{ role: 'user', content: 'Hello' }] }

/** As clients of this API ask: with a beta header and a query that nobody here needs. */
export function postMessages(
  service: TestService,
  body: unknown,
  { headers = {}, signal }: { headers?: Record<string, string>; signal?: AbortSignal } = {},
): Promise<Response> {
  return post(service, '/v1/messages?beta=true', body, { headers, ...(signal && { signal }) })
}

export function post(
  { address }: TestService,
  path: string,
  body: unknown,
  { headers = {}, signal }: { headers?: Record<string, string>; signal?: AbortSignal } = {},
): Promise<Response> {
  return fetch(`${address}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'anthropic-beta': 'some-2025-01-01', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...(signal && { signal }),
  })
}

/** All events until the stream ends. */
export async function readEvents(response: Response): Promise<SentEvent[]> {
  return toEvents(await response.text())
}

export function toEvents(text: string): SentEvent[] {
  return text
    .split('\n\n')
    .filter((block) => block !== '')
    .map((block) => {
      const [, event = '', data = ''] = /^event: (\w+)\ndata: (.*)$/.exec(block) ?? []
      return { event, data: JSON.parse(data) }
    })
}

/** The names of events, in order, without pings. */
export function namesOf(events: readonly SentEvent[]): string[] {
  return events.map(({ event }) => event).filter((event) => event !== 'ping')
}

/** What the engine says that it can. */
export function giveAbilities({ backend }: TestService, ...names: string[]): void {
  const capabilities = Object.fromEntries(['chat', ...names].map((name) => [name, 'yes' as const]))
  backend.backend.getInfo = async () => ({ name: 'dictated', version: '1', interfaceVersion: '1.0', capabilities })
}

/** What was sent is as the document says. */
export async function assertFits(schema: JsonSchema, value: unknown): Promise<void> {
  assert.deepEqual(await findMismatches(schema, value), [], JSON.stringify(value))
}
