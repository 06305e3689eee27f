import type { Message } from './content.ts'

export interface ToolDefinition {
  name: string
  description?: string
  /** JSON Schema of the arguments. */
  parameters: Record<string, unknown>
}

export type ToolChoice = 'auto' | 'none' | 'required' | { name: string }

/** What shapes the answer. A setting that the engine cannot honour is answered by a `warning` part, never dropped. */
export interface ChatOptions {
  temperature?: number
  topP?: number
  topK?: number
  minP?: number
  repeatPenalty?: number
  presencePenalty?: number
  frequencyPenalty?: number
  seed?: number
  /** Upper bound of generated tokens. The answer then ends with `length`. */
  maxTokens?: number
  /** The answer ends before the first of these. They are not part of the answer. */
  stop?: string[]
  /**
   * Log probabilities come with each text delta, and with each token so many of those that were likeliest there; 0: none
   * of them. Only with the capability `logprobs`.
   */
  logprobs?: number
  /** Context to use, in tokens: prompt and answer together. */
  contextLength?: number
}

export interface ChatRequest {
  /** A name from `list_models` of this backend, without the backend's id. */
  model: string
  messages: Message[]
  /**
   * The last message is an assistant's and unfinished: go on exactly where it ends and yield only what is new.
   * Only with the capability `continue`.
   */
  continue?: boolean
  tools?: ToolDefinition[]
  toolChoice?: ToolChoice
  /** JSON Schema that the answer must satisfy. Only with the capability `json-schema`. */
  schema?: Record<string, unknown>
  /** `false` asks a reasoning model not to; absent leaves it to the model. */
  reasoning?: boolean | 'low' | 'medium' | 'high'
  options?: ChatOptions
  /** Opaque to lmapp; the backend's own documentation says what it knows. */
  vendor?: Record<string, unknown>
}
