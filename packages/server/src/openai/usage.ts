import type { Usage } from 'lmapp-kit'
import type { JsonSchema } from '../parse/fields.ts'

export interface OpenAiUsage {
  prompt_tokens: number
  completion_tokens: number
  total_tokens: number
  prompt_tokens_details: { cached_tokens: number }
  completion_tokens_details: { reasoning_tokens: number }
}

const count = { type: 'integer', minimum: 0 }

export const usageSchema: JsonSchema = {
  type: 'object',
  description: 'As the engine counted them; absent where it counts nothing.',
  required: ['prompt_tokens', 'completion_tokens', 'total_tokens'],
  properties: {
    prompt_tokens: count,
    completion_tokens: count,
    total_tokens: count,
    prompt_tokens_details: { type: 'object', properties: { cached_tokens: count } },
    completion_tokens_details: { type: 'object', properties: { reasoning_tokens: count } },
  },
}

/** Undefined where the engine counted nothing: zeros would be a lie that somebody adds up. */
export function toUsage(usage: Usage): OpenAiUsage | undefined {
  const { inputTokens, outputTokens, cachedTokens = 0, reasoningTokens = 0 } = usage
  if (inputTokens === undefined && outputTokens === undefined) return undefined
  return {
    prompt_tokens: inputTokens ?? 0,
    completion_tokens: outputTokens ?? 0,
    total_tokens: (inputTokens ?? 0) + (outputTokens ?? 0),
    prompt_tokens_details: { cached_tokens: cachedTokens },
    completion_tokens_details: { reasoning_tokens: reasoningTokens },
  }
}
