import { LmappError, type Message, type TokenCount, type ToolDefinition } from 'lmapp-kit'
import type { BackendRegistry } from '../backends/registry.ts'
import type { Config } from '../config/config.ts'
import type { ModelLibrary } from '../models/models.ts'
import { askCandidate } from '../routing/ask-candidate.ts'
import { type Candidate, resolveCandidates } from '../routing/resolve.ts'
import { findFirst } from '../routing/take-next.ts'
import { estimateTokens } from './estimate-tokens.ts'

export interface TokenCounterOptions {
  backends: BackendRegistry
  library: ModelLibrary
  config: () => Promise<Config>
}

export interface CountRequest {
  /** Model reference; absent: the one that a question without a name is answered by. */
  model?: string
  messages: Message[]
  tools?: ToolDefinition[]
  environment: Readonly<Record<string, string>>
  offline: boolean
  signal: AbortSignal
}

/**
 * Tells how many tokens a prompt has. It is asked often and beside the answers: it fetches nothing, no backend loads or
 * evicts a model for it, and one that just failed is not waited for.
 */
export interface TokenCounter {
  /**
   * By the first candidate that can count, which `model` names; where none can, an estimate, `exact: false`. Throws
   * `bad-input`, `model-not-found`, `cancelled` and what resolving a reference throws.
   */
  count(request: CountRequest): Promise<TokenCount & { model: string }>
}

export function createTokenCounter(options: TokenCounterOptions): TokenCounter {
  return {
    async count(request) {
      const { model, messages, tools, environment, offline } = request
      if (messages.length === 0) throw new LmappError('bad-input', 'There is no message to count.')
      const resolving = { ...options, config: await options.config(), environment, offline, allowFetch: false }
      const { candidates } = await resolveCandidates(model, resolving)
      const missing: LmappError[] = []
      for (const candidate of candidates) {
        const counted = await tryOne(candidate, request)
        if (counted instanceof LmappError) missing.push(counted)
        else if (counted) return toResult(counted, candidate)
      }
      if (missing[0] && missing.length === candidates.length) throw missing[0]
      return toResult({ tokens: estimateTokens(messages, tools), exact: false }, findFirst(candidates))
    },
  }
}

/**
 * An error where there is no such model; undefined where it cannot count, or cannot now. What a count meets is nothing
 * that a breaker should know.
 */
async function tryOne(candidate: Candidate, request: CountRequest): Promise<TokenCount | LmappError | undefined> {
  const { target, model } = candidate
  const { messages, tools, signal } = request
  const countTokens = target.backend.countTokens?.bind(target.backend)
  if (!countTokens || target.breaker.current.state === 'open') return undefined
  const result = await askCandidate(candidate, {
    ask: () => countTokens({ model, messages, ...(tools?.length && { tools }) }, { signal }),
    offline: true,
    signal,
  })
  if (!(result instanceof LmappError)) return result
  if (signal.aborted || result.code === 'bad-input') throw result
  return result.code === 'model-not-found' ? result : undefined
}

function toResult(count: TokenCount, candidate: Candidate | undefined): TokenCount & { model: string } {
  return { ...count, model: candidate ? `${candidate.target.id}/${candidate.model}` : '' }
}
