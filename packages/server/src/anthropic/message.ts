import type { ToolCall, Usage } from 'lmapp-kit'
import type { Answer, CollectedAnswer, GoodEnd } from '../answer/index.ts'

/** An answer, and what whole and streamed ones have in common. */

export type ContentBlock =
  | { type: 'thinking'; thinking: string; signature: string }
  | { type: 'text'; text: string; citations: null }
  | { type: 'tool_use'; id: string; name: string; input: Record<string, unknown>; caller: { type: 'direct' } }

export type StopReason = 'end_turn' | 'max_tokens' | 'tool_use' | 'refusal'

/** What the end of a stream tells; null: nothing is known, or there is no such thing here. */
export interface DeltaUsage {
  /** Of the prompt, without those that were not read anew. */
  input_tokens: number
  output_tokens: number
  cache_creation_input_tokens: number
  cache_read_input_tokens: number
  output_tokens_details: { thinking_tokens: number } | null
  server_tool_use: null
}

export interface MessageUsage extends DeltaUsage {
  cache_creation: null
  service_tier: null
  inference_geo: null
}

export interface ApiMessage {
  id: string
  type: 'message'
  role: 'assistant'
  model: string
  content: ContentBlock[]
  stop_reason: StopReason | null
  stop_sequence: null
  stop_details: null
  container: null
  usage: MessageUsage
}

export function toMessage({ run }: Pick<Answer, 'run'>, whole: CollectedAnswer): ApiMessage {
  const { reasoning, text, toolCalls, reason, end } = whole
  const content: ContentBlock[] = [
    ...(reasoning === '' ? [] : [{ type: 'thinking' as const, thinking: reasoning, signature: '' }]),
    ...(text === '' ? [] : [{ type: 'text' as const, text, citations: null }]),
    ...toolCalls.map(toToolUse),
  ]
  const stopReason = toStopReason(reason, toolCalls.length > 0)
  return { ...emptyMessage({ run }), content, stop_reason: stopReason, usage: toUsage(end.usage) }
}

/** As it is before its first word. */
export function emptyMessage({ run }: Pick<Answer, 'run'>, inputTokens = 0): ApiMessage {
  return {
    id: `msg_${run.id}`,
    type: 'message',
    role: 'assistant',
    model: run.model,
    content: [],
    stop_reason: null,
    stop_sequence: null,
    stop_details: null,
    container: null,
    usage: toUsage({ inputTokens }),
  }
}

export function requestIdOf({ run }: Pick<Answer, 'run'>): string {
  return `req_${run.id}`
}

/** `stop_sequence` is never told: engines say that an answer was stopped, and not by what. */
export function toStopReason(reason: GoodEnd, callsTools: boolean): StopReason {
  switch (reason) {
    case 'stop':
      return callsTools ? 'tool_use' : 'end_turn'
    case 'tool-calls':
      return 'tool_use'
    case 'length':
      return 'max_tokens'
    case 'content-filter':
      return 'refusal'
    default:
      return reason satisfies never
  }
}

/** How many tokens an engine does not tell is 0: clients add them up. */
export function toDeltaUsage(usage: Usage): DeltaUsage {
  const { inputTokens = 0, outputTokens = 0, cachedTokens = 0, reasoningTokens } = usage
  return {
    input_tokens: Math.max(0, inputTokens - cachedTokens),
    output_tokens: outputTokens,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: cachedTokens,
    output_tokens_details: reasoningTokens === undefined ? null : { thinking_tokens: reasoningTokens },
    server_tool_use: null,
  }
}

function toUsage(usage: Usage): MessageUsage {
  return { ...toDeltaUsage(usage), cache_creation: null, service_tier: null, inference_geo: null }
}

export function toToolUse({ id, name, arguments: text }: ToolCall): Extract<ContentBlock, { type: 'tool_use' }> {
  return { type: 'tool_use', id, name, input: toInput(text), caller: { type: 'direct' } }
}

/**
 * The input must be an object. What a model wrote instead is handed over whole under a name that no tool has, so that the
 * client's check fails and the model is told; an empty object would call the tool with other arguments than were meant.
 */
export function toInput(text: string): Record<string, unknown> {
  if (text.trim() === '') return {}
  const value = parseOrNothing(text)
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  return isObject ? (value as Record<string, unknown>) : { INVALID_JSON: text }
}

function parseOrNothing(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
