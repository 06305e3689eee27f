import { type ChatRequest, isLmappError, LmappError, type Message, toText, type Warning } from 'lmapp-kit'
import { measureText } from './text-measure.ts'

/** What is known of a model's context, in tokens. */
export interface ContextFacts {
  /** The most that the model was trained for. */
  limit?: number
  /** What it is loaded with now, or was last asked for: asking for less makes Ollama load it again. */
  current?: number
  /** What its own Modelfile sets. */
  preset?: number
}

export interface ContextPlan {
  contextLength: number
  /** Whether the model has no more than this. */
  isWhole: boolean
  warnings: Warning[]
}

const smallestContext = 4096
/** Room for an answer whose length nobody limited. */
const defaultAnswerTokens = 2048
/** What a template puts around a message. */
const tokensAroundMessage = 16
/** Ollama counts 768 for an image at most of its models; newer ones take more. */
const tokensOfImage = 2048

/**
 * The context to ask for: what was wanted, else enough for a generous estimate of the prompt and the answer.
 * Throws `context-overflow` when even the fewest tokens that the prompt can have do not fit.
 */
export function planContext(request: ChatRequest, facts: ContextFacts): ContextPlan {
  const most = mostTokens(request)
  const warnings: Warning[] = []
  const wanted = request.options?.contextLength
  const contextLength = wanted === undefined ? enough(most, request, facts) : Math.min(wanted, facts.limit ?? wanted)
  if (wanted !== undefined && contextLength < wanted) {
    warnings.push({
      type: 'warning',
      code: 'unsupported-setting',
      setting: 'options.contextLength',
      message: `${request.model} has a context of ${contextLength} tokens, not ${wanted}.`,
    })
  }
  const fewest = fewestTokens(request.messages)
  const isWhole = contextLength === facts.limit
  if (fewest > contextLength) throw withUsefulHint(overflow(request, fewest, contextLength), isWhole)
  if (most > contextLength) {
    warnings.push({
      type: 'warning',
      code: 'context-near-limit',
      message: `The prompt may not fit: up to ${most} tokens by an estimate, and the context has ${contextLength}.`,
    })
  }
  return { contextLength, isWhole, warnings }
}

/** Steps of powers of two: a conversation that grows makes Ollama load the model again only a few times. */
function enough(most: number, request: ChatRequest, facts: ContextFacts): number {
  const needed = most + (request.options?.maxTokens ?? defaultAnswerTokens)
  const step = 2 ** Math.ceil(Math.log2(Math.max(needed, smallestContext)))
  const planned = Math.max(step, facts.preset ?? 0, facts.current ?? 0)
  return Math.min(planned, facts.limit ?? planned)
}

/** A generous estimate of what the engine reads for this request. */
function mostTokens(request: ChatRequest): number {
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
function fewestTokens(messages: readonly Message[]): number {
  return messages.reduce((sum, message) => {
    if (message.role !== 'user' && message.role !== 'system') return sum
    return sum + measureText(toText(message.content)).fewest
  }, 0)
}

function expectedTokens(messages: readonly Message[]): number {
  return messages.reduce((sum, { content }) => sum + measureText(toText(content)).expected, 0)
}

/** What the engine says that it read. */
export interface ReadReport {
  /** Processed and cached together. Absent when it does not say. */
  readTokens?: number
  contextLength: number
  /** Whether its count is known to include what it took from its cache. */
  exact: boolean
}

/**
 * Compares what was sent with what was read. Throws `prompt-truncated` when the count proves that words are missing;
 * gives a warning when only an estimate says so.
 */
export function checkPromptWasRead(messages: readonly Message[], report: ReadReport): Warning | undefined {
  const { readTokens, contextLength, exact } = report
  if (readTokens === undefined || readTokens === 0) return undefined
  const fewest = fewestTokens(messages)
  if (exact && readTokens < fewest) {
    throw new LmappError(
      'prompt-truncated',
      `Ollama read only ${readTokens} tokens of a prompt that has at least ${fewest}.`,
      { details: { readTokens, sentTokens: fewest, contextLength } },
    )
  }
  const expected = Math.max(fewest, expectedTokens(messages))
  if (readTokens >= expected) return undefined
  return {
    type: 'warning',
    code: 'context-truncated',
    message: `Ollama read ${readTokens} tokens; by an estimate the prompt has ${expected} or more. It may have been cut.`,
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

function overflow(request: ChatRequest, fewest: number, contextLength: number): LmappError {
  return new LmappError(
    'context-overflow',
    `The prompt has at least ${fewest} tokens, and the context has ${contextLength}.`,
    { details: { model: request.model, promptTokens: fewest, contextLength } },
  )
}
