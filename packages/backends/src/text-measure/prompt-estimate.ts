import { type ChatRequest, isLmappError, LmappError, type Message, toText, type Warning } from 'lmapp-kit'
import { measureText } from './text-measure.ts'

/** What a template puts around a message. */
const tokensAroundMessage = 16
/** Ollama counts 768 for an image at most of its models; newer ones take more. */
const tokensOfImage = 2048

/** A generous estimate of what the engine reads for this request. */
export function mostTokens(request: Pick<ChatRequest, 'messages' | 'tools'>): number {
  const messages = request.messages.map((message) => tokensAroundMessage + mostTokensOfMessage(message))
  const tools = request.tools?.length ? measureText(JSON.stringify(request.tools)).most : 0
  return messages.reduce((sum, tokens) => sum + tokens, tools + tokensAroundMessage)
}

function mostTokensOfMessage(message: Message): number {
  return message.content.reduce((sum, item) => {
    if (item.type === 'image') return sum + tokensOfImage
    if (item.type === 'tool-call') return sum + measureText(item.name + item.arguments).most + tokensAroundMessage
    return sum + measureText(item.type === 'reasoning' ? item.text : toText([item])).most
  }, 0)
}

/**
 * Fewer tokens than this the prompt cannot have. Only what every template keeps is counted: not reasoning, not answers
 * (thinking in their text may be taken out), not tools.
 */
export function fewestTokens(messages: readonly Message[]): number {
  return messages.reduce((sum, message) => {
    if (message.role !== 'user' && message.role !== 'system') return sum
    return sum + measureText(toText(message.content)).fewest
  }, 0)
}

function expectedTokens(messages: readonly Message[]): number {
  return messages.reduce((sum, { content }) => sum + measureText(toText(content)).expected, 0)
}

/** What the engine says that it read. */
interface ReadReport {
  /** For messages. */
  engine: string
  /** Processed and cached together. Absent when it does not say. */
  readTokens?: number
  /** Absent when nobody knows it. */
  contextLength?: number
  /** Whether its count is known to include what it took from its cache. */
  exact: boolean
}

/**
 * Compares what was sent with what was read. Throws `prompt-truncated` when the count proves that words are missing;
 * gives a warning when only an estimate says so.
 */
export function checkPromptWasRead(messages: readonly Message[], report: ReadReport): Warning | undefined {
  const { engine, readTokens, contextLength, exact } = report
  if (readTokens === undefined || readTokens === 0) return undefined
  const fewest = fewestTokens(messages)
  if (exact && readTokens < fewest) {
    throw new LmappError(
      'prompt-truncated',
      `${engine} read only ${readTokens} tokens of a prompt that has at least ${fewest}.`,
      { details: { readTokens, sentTokens: fewest, ...(contextLength !== undefined && { contextLength }) } },
    )
  }
  const expected = Math.max(fewest, expectedTokens(messages))
  if (readTokens >= expected) return undefined
  return {
    type: 'warning',
    code: 'context-truncated',
    message: `${engine} read ${readTokens} tokens; by an estimate the prompt has ${expected} or more. It may have been cut.`,
  }
}

/** Nobody can raise a context that is the whole of the model's own. Other errors stay as they are. */
export function withUsefulHint<T>(error: T, isWhole: boolean): T | LmappError {
  if (!isWhole || !isLmappError(error)) return error
  if (error.code !== 'context-overflow' && error.code !== 'prompt-truncated') return error
  return new LmappError(error.code, error.message, {
    hint: 'Shorten it, or choose a model with a longer context: lmapp models list',
    ...(error.details && { details: error.details }),
    cause: error.cause,
  })
}
