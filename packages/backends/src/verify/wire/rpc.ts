import { type ErrorCode, errorTable, isErrorCode, type RequestId } from 'lmapp-kit'
import { isFields } from '../../json/fields.ts'

/** What was answered. */
export type Answer = { result: unknown } | { error: RpcProblem }

/** An error as it came. */
export interface RpcProblem {
  /** By `data.code`, else by the number; undefined when neither is known. */
  code: ErrorCode | undefined
  message: string
}

/** A line by its members. Undefined: it is no message. */
export type Incoming =
  | { kind: 'notification'; method: string; params: unknown }
  | { kind: 'request'; id: RequestId; method: string }
  | { kind: 'response'; id: RequestId | null; answer: Answer }

export function toIncoming(message: Record<string, unknown>): Incoming | undefined {
  const { id, method } = message
  if (typeof method === 'string') {
    if (id === undefined) return { kind: 'notification', method, params: message.params }
    return isRequestId(id) ? { kind: 'request', id, method } : undefined
  }
  if (isRequestId(id) && 'result' in message) return { kind: 'response', id, answer: { result: message.result } }
  if ((isRequestId(id) || id === null) && 'error' in message) {
    return { kind: 'response', id, answer: { error: toProblem(message.error) } }
  }
  return undefined
}

export function isRequestId(value: unknown): value is RequestId {
  return typeof value === 'number' || typeof value === 'string'
}

function toProblem(value: unknown): RpcProblem {
  const error = isFields(value) ? value : {}
  const data = isFields(error.data) ? error.data : {}
  const code = isErrorCode(data.code) ? data.code : codes.get(error.code)
  return { code, message: typeof error.message === 'string' ? error.message : '' }
}

const codes = new Map<unknown, ErrorCode>(
  Object.entries(errorTable).map(([code, { rpc }]) => [rpc, code as ErrorCode] as const),
)
