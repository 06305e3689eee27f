import { type CallOptions, type ChatRequest, type Finish, LmappError, type Warning } from 'lmapp-kit'
import { mostTokens } from '../text-measure/index.ts'
import { engine, type LlamaServerConnection } from './connection.ts'
import { countPrompt, type PromptBody } from './prompt-tokens.ts'
import type { ModelProps } from './props.ts'

/** What is known of a prompt before it is sent. */
export interface PromptCheck {
  /** Exact; absent where a generous estimate fits by itself. */
  tokens?: number
  warning?: Warning
}

/** Fewer tokens left for an answer that nobody limited are worth a word. */
const usualAnswerTokens = 256

/**
 * Counts a prompt with the engine's own template and tokenizer unless it fits anyway. Images cannot be counted so: the
 * engine itself refuses what does not fit. Throws `context-overflow` with both numbers.
 */
export async function checkPromptFits(
  connection: LlamaServerConnection,
  { request, body, props }: { request: ChatRequest; body: PromptBody; props: ModelProps },
  call: CallOptions,
): Promise<PromptCheck> {
  const contextLength = contextOf(request, props)
  if (contextLength === undefined) return {}
  const answerTokens = request.options?.maxTokens ?? usualAnswerTokens
  if (mostTokens(request) + answerTokens <= contextLength || hasImages(request)) return {}
  const tokens = await countPrompt(connection, body, call)
  assertFits(request.model, tokens, contextLength)
  const left = contextLength - tokens
  if (left >= answerTokens) return { tokens }
  const message = `The prompt has ${tokens} tokens, and the context ${contextLength}: ${left} are left for the answer.`
  return { tokens, warning: { type: 'warning', code: 'context-near-limit', message } }
}

/** What the server has for each chat, or what was wished for where that is less. */
export function contextOf({ options }: ChatRequest, { contextLength }: ModelProps): number | undefined {
  const wanted = options?.contextLength
  if (wanted === undefined || contextLength === undefined) return contextLength ?? wanted
  return Math.min(wanted, contextLength)
}

/** The first token of the answer needs a place as well. */
export function assertFits(model: string, promptTokens: number, contextLength: number | undefined): void {
  if (contextLength === undefined || promptTokens < contextLength) return
  throw new LmappError(
    'context-overflow',
    `The prompt has ${promptTokens} tokens, and the context has ${contextLength}.`,
    {
      hint: 'Shorten it, or start llama-server with a longer context: -c N',
      details: { model, promptTokens, contextLength },
    },
  )
}

/**
 * Compares what was counted with what was read. Throws `prompt-truncated`; gives a warning where prompt and answer
 * together were longer than the context, so that the server let go of older parts.
 */
export function checkPromptWasRead(
  { usage }: Finish,
  { tokens, contextLength }: { tokens: number | undefined; contextLength: number | undefined },
): Warning | undefined {
  const { inputTokens = 0, outputTokens = 0 } = usage
  if (tokens !== undefined && inputTokens > 0 && inputTokens < tokens) {
    throw new LmappError('prompt-truncated', `${engine} read only ${inputTokens} tokens of a prompt of ${tokens}.`, {
      details: { readTokens: inputTokens, sentTokens: tokens, contextLength },
    })
  }
  if (contextLength === undefined || inputTokens + outputTokens <= contextLength) return undefined
  const message = `Prompt and answer have ${inputTokens + outputTokens} tokens, and the context ${contextLength}: the answer was written without the oldest.`
  return { type: 'warning', code: 'context-truncated', message }
}

export function hasImages({ messages }: Pick<ChatRequest, 'messages'>): boolean {
  return messages.some(({ content }) => content.some(({ type }) => type === 'image'))
}
