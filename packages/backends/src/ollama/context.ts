import { type ChatRequest, LmappError, type Warning } from 'lmapp-kit'
import { fewestTokens, mostTokens, withUsefulHint } from '../text-measure/index.ts'

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

function overflow(request: ChatRequest, fewest: number, contextLength: number): LmappError {
  return new LmappError(
    'context-overflow',
    `The prompt has at least ${fewest} tokens, and the context has ${contextLength}.`,
    { details: { model: request.model, promptTokens: fewest, contextLength } },
  )
}
