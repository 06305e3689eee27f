import type { LmappError, Usage } from 'lmapp-kit'
import type { GoodEnd } from '../../answer/index.ts'
import { toErrorObject } from '../error.ts'
import type { OutputItem } from './output.ts'
import type { Echo } from './request.ts'

export type Status = 'queued' | 'in_progress' | 'completed' | 'incomplete' | 'failed' | 'cancelled'

/** How an answer ended. */
export interface Ending {
  status: Exclude<Status, 'queued' | 'in_progress'>
  /** Of an incomplete one. */
  reason?: 'max_output_tokens' | 'content_filter'
  error?: { code: string; message: string }
  usage: Usage
  /** Unix time in seconds. */
  at: number
}

/** What a response begins with. */
export interface ResponseHead {
  id: string
  /** Unix time in seconds. */
  createdAt: number
  model: string
  echo: Echo
}

export type ResponseObject = ReturnType<typeof toResponse>

/** The response as it is. `ending`: absent while it is written. */
export function toResponse(
  { id, createdAt, model, echo }: ResponseHead,
  output: readonly OutputItem[],
  { status, ending }: { status: Status; ending?: Ending | undefined },
) {
  return {
    id,
    object: 'response' as const,
    created_at: createdAt,
    completed_at: ending?.status === 'completed' ? ending.at : null,
    status,
    error: ending?.error ?? null,
    incomplete_details: ending?.reason ? { reason: ending.reason } : null,
    model,
    output,
    ...echo,
    presence_penalty: 0 as const,
    frequency_penalty: 0 as const,
    max_tool_calls: null,
    safety_identifier: null,
    prompt_cache_key: null,
    service_tier: 'default' as const,
    truncation: 'disabled' as const,
    usage: ending ? toUsage(ending.usage) : null,
  }
}

export function toGoodEnding(reason: GoodEnd, usage: Usage): Ending {
  const at = nowInSeconds()
  switch (reason) {
    case 'stop':
    case 'tool-calls':
      return { status: 'completed', usage, at }
    case 'length':
      return { status: 'incomplete', reason: 'max_output_tokens', usage, at }
    case 'content-filter':
      return { status: 'incomplete', reason: 'content_filter', usage, at }
    default:
      return reason satisfies never
  }
}

/** One that was stopped by whoever had it written in the background is no failure. */
export function toBadEnding(error: LmappError, usage: Usage, { background }: { background: boolean }): Ending {
  const ending = { usage, at: nowInSeconds() }
  if (error.code !== 'cancelled') return { status: 'failed', error: toResponseError(error), ...ending }
  return { status: 'cancelled', ...(!background && { error: toResponseError(error) }), ...ending }
}

/** There are few codes in this place, and clients' types list them. */
function toResponseError(error: LmappError): { code: string; message: string } {
  const { code, type, message } = toErrorObject(error)
  if (code === 'rate_limit_exceeded' || code === 'context_length_exceeded') return { code, message }
  return { code: type === 'invalid_request_error' ? 'invalid_prompt' : 'server_error', message }
}

/** Null where the engine counted nothing: zeros would be a lie that somebody adds up. */
function toUsage({ inputTokens, outputTokens, cachedTokens = 0, reasoningTokens = 0 }: Usage) {
  if (inputTokens === undefined && outputTokens === undefined) return null
  return {
    input_tokens: inputTokens ?? 0,
    input_tokens_details: { cached_tokens: cachedTokens, cache_write_tokens: 0 },
    output_tokens: outputTokens ?? 0,
    output_tokens_details: { reasoning_tokens: reasoningTokens },
    total_tokens: (inputTokens ?? 0) + (outputTokens ?? 0),
  }
}

export function nowInSeconds(): number {
  return Math.floor(Date.now() / 1000)
}
