import type { ChatRequest } from 'lmapp-kit'
import type { Dialect } from '../openai-wire/index.ts'
import { engine } from './connection.ts'
import type { ModelProps } from './props.ts'

/** llama-server's names, in chats as in completions. */
const settings = {
  temperature: 'temperature',
  topP: 'top_p',
  topK: 'top_k',
  minP: 'min_p',
  repeatPenalty: 'repeat_penalty',
  presencePenalty: 'presence_penalty',
  frequencyPenalty: 'frequency_penalty',
  seed: 'seed',
  maxTokens: 'max_tokens',
  stop: 'stop',
} as const

/** What the model's template makes possible. */
export function toDialect({ hasReasoningSwitch, hasReasoningLevels }: ModelProps): Dialect {
  return {
    engine,
    settings,
    logprobs: true,
    namedToolChoice: false,
    reasoningEffort: hasReasoningLevels,
    ...(hasReasoningSwitch && { reasoningSwitch: 'enable_thinking' }),
    reasoningMember: 'reasoning_content',
    extra: { return_progress: true },
  }
}

/** A model that does not reason need not be told not to. */
export function withoutIdleReasoning({ reasoning, ...others }: ChatRequest, props: ModelProps): ChatRequest {
  return props.reasoning === 'no' || reasoning === undefined ? others : { ...others, reasoning }
}
