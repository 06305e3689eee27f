import { randomUUID } from 'node:crypto'
import { isLmappError, LmappError } from 'lmapp-kit'
import { statusOf } from '../http/reply.ts'

export type ErrorType =
  | 'invalid_request_error'
  | 'authentication_error'
  | 'permission_error'
  | 'not_found_error'
  | 'request_too_large'
  | 'rate_limit_error'
  | 'api_error'
  | 'overloaded_error'
  | 'timeout_error'

export interface ErrorBody {
  type: 'error'
  error: { type: ErrorType; message: string; details: { error_code: string } }
  request_id: string
}

/** An error as clients expect it. `details.error_code` is lmapp's own code. */
export function toErrorBody(error: LmappError, requestId: string, status = statusOf(error)): ErrorBody {
  return {
    type: 'error',
    error: {
      type: toErrorType(error, status),
      message: `${toMessage(error)} ${error.hint}`,
      details: { error_code: error.code },
    },
    request_id: requestId,
  }
}

/** Agents know by these words, in front, that they have to shorten the conversation. */
function toMessage({ code, message, details }: LmappError): string {
  if (code !== 'context-overflow') return message
  const { promptTokens, contextLength } = details ?? {}
  const isCounted = typeof promptTokens === 'number' && typeof contextLength === 'number'
  return isCounted
    ? `prompt is too long: ${promptTokens} tokens > ${contextLength} maximum. ${message}`
    : `prompt is too long: ${message}`
}

/** Clients try again by themselves after any status of 500 and more: where that would not help they are told. */
export function toError(error: LmappError, status: number) {
  const run = error.details?.run
  const requestId = `req_${typeof run === 'string' ? run : randomUUID()}`
  const isFinal = status >= 500 && !error.entry.retryable
  return {
    body: toErrorBody(error, requestId, status),
    headers: { 'request-id': requestId, ...(isFinal && { 'x-should-retry': 'false' }) },
  }
}

/** Clients have names of models built in that nobody has here: an alias gives them one. */
export function withAliasHint(error: unknown, model: string): unknown {
  if (!isLmappError(error, 'model-not-found') || error.details?.name !== model) return error
  const name = /^[\w.:-]+$/.test(model) ? model : 'NAME'
  return new LmappError(error.code, error.message, {
    hint: `${error.hint}; or say what the name means here: lmapp config set aliases.${name} backend/model`,
    details: error.details,
    cause: error,
  })
}

function toErrorType({ code }: LmappError, status: number): ErrorType {
  if (code === 'busy' && status === 503) return 'overloaded_error'
  if (code === 'service-unavailable') return 'overloaded_error'
  switch (status) {
    case 401:
      return 'authentication_error'
    case 403:
      return 'permission_error'
    case 404:
      return 'not_found_error'
    case 413:
      return 'request_too_large'
    case 429:
      return 'rate_limit_error'
    case 504:
      return 'timeout_error'
    default:
      return status >= 400 && status < 499 ? 'invalid_request_error' : 'api_error'
  }
}
