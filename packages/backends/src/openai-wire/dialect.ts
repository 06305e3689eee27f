import type { ChatOptions } from 'lmapp-kit'

/** What travels as one member of the request. The context is set where the engine is started. */
export type WireSetting = Exclude<keyof ChatOptions, 'contextLength' | 'logprobs'>

/** How one engine speaks OpenAI's chat completions: what it knows beyond the common core, and under which names. */
export interface Dialect {
  /** The engine's name, for messages. */
  engine: string
  /** Its names for options. One that is missing cannot be honoured, and a warning says so. */
  settings: { readonly [name in WireSetting]?: string }
  /** Whether `logprobs` with `top_logprobs` may be asked for; some take no notice of it. */
  logprobs: boolean
  /** Whether `tool_choice` may name a tool. Where not, only that tool is given, and one is required. */
  namedToolChoice: boolean
  /** Whether levels of reasoning may be asked for, as `reasoning_effort`. */
  reasoningEffort: boolean
  /** The variable of chat templates that switches reasoning on and off, as `enable_thinking`. */
  reasoningSwitch?: string
  /** The member of an assistant's message that hands its reasoning back. Without it reasoning is left out. */
  reasoningMember?: string
  /** What is sent along so that the engine goes on with a last message that is an assistant's. */
  continuation?: Readonly<Record<string, unknown>>
  /** Sent with every chat, as `return_progress`. */
  extra?: Readonly<Record<string, unknown>>
}

/** What every server that calls itself compatible may be expected to know. */
export const commonDialect: Dialect = {
  engine: 'The server',
  settings: {
    temperature: 'temperature',
    topP: 'top_p',
    presencePenalty: 'presence_penalty',
    frequencyPenalty: 'frequency_penalty',
    seed: 'seed',
    maxTokens: 'max_tokens',
    stop: 'stop',
  },
  logprobs: true,
  namedToolChoice: true,
  reasoningEffort: true,
}
