/** What a backend streams. A chat ends with exactly one `finish` part, or its iterator throws. */

export interface TokenProbability {
  token: string
  /** Natural logarithm of the probability, ≤ 0. */
  logprob: number
  /** The likeliest ones at this place, best first, where they were asked for. */
  top?: { token: string; logprob: number }[]
}

interface VendorData {
  /** Opaque data of the engine, kept and passed on. */
  vendor?: Record<string, unknown>
}

export interface TextDelta extends VendorData {
  type: 'text-delta'
  /** Never empty, never half a character. */
  text: string
  logprobs?: TokenProbability[]
}

export interface ReasoningDelta extends VendorData {
  type: 'reasoning-delta'
  text: string
}

/** A whole call of a tool. `arguments` is raw text as the model wrote it. */
export interface ToolCall extends VendorData {
  type: 'tool-call'
  id: string
  name: string
  arguments: string
}

/** Where the work stands before and while text arrives. Phases come in this order; any may be left out. */
export type Phase = 'queued' | 'connecting' | 'fetching' | 'loading' | 'prompt' | 'generating'

export interface Progress {
  done: number
  /** Absent when it is not known. */
  total?: number
  unit: 'percent' | 'tokens' | 'bytes' | 'steps'
}

export interface Status extends VendorData {
  type: 'status'
  phase: Phase
  progress?: Progress
  /** A short line for a person, such as what is being fetched. */
  message?: string
}

export type WarningCode =
  | 'unsupported-setting'
  | 'context-truncated'
  | 'context-near-limit'
  | 'context-estimated'
  | 'capability-unknown'
  | 'other'

export interface Warning extends VendorData {
  type: 'warning'
  code: WarningCode
  message: string
  /** The request's field that this is about, as `options.topK`. */
  setting?: string
}

export type FinishReason = 'stop' | 'length' | 'tool-calls' | 'content-filter' | 'cancelled' | 'other'

export interface Usage {
  /** Tokens of the whole prompt, as the engine counted them: processed and cached together. */
  inputTokens?: number
  outputTokens?: number
  /** The part of `inputTokens` that was not read anew. */
  cachedTokens?: number
  reasoningTokens?: number
  /** The context that was there: prompt and answer together can have so many tokens. */
  contextLength?: number
}

/** All in milliseconds. */
export interface Timings {
  loadMs?: number
  promptMs?: number
  generationMs?: number
}

export interface Finish extends VendorData {
  type: 'finish'
  reason: FinishReason
  usage: Usage
  timings?: Timings
}

export type Part = TextDelta | ReasoningDelta | ToolCall | Status | Warning | Finish
