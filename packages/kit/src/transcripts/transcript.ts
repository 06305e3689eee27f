import type { RequestId } from '../protocol/messages.ts'

/** One golden exchange between a host and the example backend. `specs/transcripts/README.md` describes the format. */
export interface Transcript {
  name: string
  /** For people: what it shows. */
  title: string
  steps: Step[]
}

export type JsonObject = Record<string, unknown>

/** `line`: where it stands in its file, from 1. */
export type Step = { line: number } & (
  | { kind: 'host'; message: JsonObject }
  /** Written as it stands. */
  | { kind: 'host-raw'; text: string }
  /** The host closes the plugin's stdin. */
  | { kind: 'host-end' }
  /** The host writes a file into `exchangeDir`, for `{ $file: name }` in messages. */
  | { kind: 'file'; name: string; json: unknown }
  | ({ kind: 'plugin' } & PluginMessage)
  /** Always the last one, and only there. */
  | { kind: 'plugin-exit'; code: number }
)

export type StepOf<Kind extends Step['kind']> = Extract<Step, { kind: Kind }>

/** What a plugin writes about one request. `message` is the whole of it. */
export type PluginMessage = { id: RequestId; message: JsonObject } & (
  | { about: 'response' }
  | { about: 'parts'; seq: number; parts: unknown[] }
  | { about: 'progress' }
)

/** Undefined for what is about no request, such as `log`. */
export function toPluginMessage(message: JsonObject): PluginMessage | undefined {
  const { id, method, params } = message
  if (isId(id) && method === undefined && ('result' in message || 'error' in message)) {
    return { about: 'response', id, message }
  }
  if (id !== undefined || !isObject(params) || !isId(params.id)) return undefined
  if (method === 'pull_progress') return { about: 'progress', id: params.id, message }
  const { seq, parts } = params
  if (method !== 'parts' || typeof seq !== 'number' || !Array.isArray(parts)) return undefined
  return { about: 'parts', id: params.id, message, seq, parts }
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isId(value: unknown): value is RequestId {
  return typeof value === 'number' || typeof value === 'string'
}
