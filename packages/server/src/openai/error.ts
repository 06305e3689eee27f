import type { ErrorCode, LmappError } from 'lmapp-kit'
import { statusOf } from '../http/reply.ts'
import type { JsonSchema } from '../parse/fields.ts'
import { fieldNames } from './settings.ts'

/** What clients find in `error`, in a body and in the middle of a stream. */
export interface OpenAiError {
  /** The hint of lmapp stands behind it: the shape has no other place for it. */
  message: string
  type: string
  /** The field of the request that is wrong, as `messages[0].content`. */
  param: string | null
  code: string
}

export const errorSchema: JsonSchema = {
  type: 'object',
  required: ['error'],
  properties: {
    error: {
      type: 'object',
      required: ['message', 'type', 'param', 'code'],
      properties: {
        message: { type: 'string', description: 'What is wrong, and what to do about it.' },
        type: {
          type: 'string',
          enum: [
            'invalid_request_error',
            'authentication_error',
            'permission_error',
            'rate_limit_error',
            'server_error',
          ],
          description: 'By the status.',
        },
        param: { type: ['string', 'null'], description: 'The field that is wrong.' },
        code: {
          type: 'string',
          description:
            'The code of lmapp, as in the native API, but for those that clients look for: `model_not_found`, ' +
            '`context_length_exceeded`, `invalid_api_key`, `rate_limit_exceeded`.',
        },
      },
      additionalProperties: false,
    },
  },
  additionalProperties: false,
}

/**
 * In OpenAI's words. Its clients try again by themselves at 409, 429 and 5xx: where that is pointless, since lmapp has
 * tried all there is, a header that both of its libraries obey says so.
 */
export function toError(error: LmappError, status: number): { body: unknown; headers?: Record<string, string> } {
  const mayRetry = error.entry.retryable || error.details?.retryAfterMs !== undefined
  const body = { error: toErrorObject(error, status) }
  return retriesAnyway(status) && !mayRetry ? { body, headers: { 'x-should-retry': 'false' } } : { body }
}

/** Default: the status that the table has for it, as in the middle of a stream. */
export function toErrorObject(error: LmappError, status: number = statusOf(error)): OpenAiError {
  return { message: toMessage(error), type: toType(status), param: toParam(error), code: toCode(error, status) }
}

function toMessage({ message, hint }: LmappError): string {
  const end = /[.!?]$/.test(message) ? '' : '.'
  return `${message}${end} ${hint}`
}

/** A client that leaves (499) reads no answer; where it does, it was stopped from elsewhere. */
function toType(status: number): string {
  if (status === 401) return 'authentication_error'
  if (status === 403) return 'permission_error'
  if (status === 429) return 'rate_limit_error'
  return status >= 499 ? 'server_error' : 'invalid_request_error'
}

function toParam({ details }: LmappError): string | null {
  if (typeof details?.field === 'string') return details.field
  return typeof details?.setting === 'string' ? (fieldNames[details.setting] ?? null) : null
}

const knownCodes: { readonly [code in ErrorCode]?: string } = {
  'model-not-found': 'model_not_found',
  'context-overflow': 'context_length_exceeded',
  unauthorized: 'invalid_api_key',
}

/** Where an engine refused its own key, the client's is not to blame: then a model is named. */
function toCode({ code, details }: LmappError, status: number): string {
  if (code === 'not-found' && details?.field === 'previous_response_id') return 'previous_response_not_found'
  if (status === 429) return 'rate_limit_exceeded'
  if (code === 'unauthorized' && details?.model !== undefined) return code
  return knownCodes[code] ?? code
}

function retriesAnyway(status: number): boolean {
  return status === 409 || status === 429 || status >= 500
}
