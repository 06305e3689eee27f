import { LmappError } from '../errors/lmapp-error.ts'
import type { RequestId } from './messages.ts'

/** What a line is, by its members; unknown members are ignored. */
export type Incoming =
  | { kind: 'request'; id: RequestId; method: string; params: unknown }
  | { kind: 'notification'; method: string; params: unknown }
  | { kind: 'result'; id: RequestId; result: unknown }
  | { kind: 'error'; id: RequestId | null; error: unknown }

/** Throws `stream-malformed` for a line that is no message. */
export function parseMessage(line: string): Incoming {
  const message = parseObject(line)
  const { id, method } = message
  if (typeof method === 'string') {
    if (id === undefined) return { kind: 'notification', method, params: message.params }
    if (isRequestId(id)) return { kind: 'request', id, method, params: message.params }
  } else if (isRequestId(id) && 'result' in message) {
    return { kind: 'result', id, result: message.result }
  } else if ((isRequestId(id) || id === null) && 'error' in message) {
    return { kind: 'error', id, error: message.error }
  }
  throw malformed(line, 'A line is neither a request nor a notification nor a response.')
}

export function isRequestId(value: unknown): value is RequestId {
  return typeof value === 'number' || typeof value === 'string'
}

function parseObject(line: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch (cause) {
    throw malformed(line, 'A line is no JSON.', cause)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed(line, 'A line is no object.')
  return value as Record<string, unknown>
}

const shownCharacters = 200

function malformed(line: string, message: string, cause?: unknown): LmappError {
  return new LmappError('stream-malformed', message, { details: { line: line.slice(0, shownCharacters) }, cause })
}
