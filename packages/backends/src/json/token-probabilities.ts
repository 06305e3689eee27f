import type { TextDelta, TokenProbability } from 'lmapp-kit'
import { toFields, toList } from './fields.ts'

type Likely = NonNullable<TokenProbability['top']>[number]

/** What OpenAI says for a token that is as good as impossible. */
const impossible = -9999

/** Keeps what is said of tokens until their text leaves, which may be later. */
export interface TokenHold {
  /** The list that OpenAI, llama-server and Ollama give: `token`, `logprob`, `top_logprobs`. What is no token is left out. */
  add(list: unknown): void
  /** The delta with all that waited for it. */
  tell(delta: TextDelta): TextDelta
}

/** `alternatives`: so many are kept for each token. Default: all. */
export function createTokenHold(alternatives?: number): TokenHold {
  let waiting: TokenProbability[] = []
  return {
    add(list) {
      waiting = waiting.concat(toTokenProbabilities(list, alternatives))
    },
    tell(delta) {
      if (waiting.length === 0) return delta
      const logprobs = waiting
      waiting = []
      return { ...delta, logprobs }
    },
  }
}

function toTokenProbabilities(value: unknown, alternatives: number | undefined): TokenProbability[] {
  return toList(value).flatMap((item) => {
    const token = toLikely(item)
    if (!token) return []
    const top = toList(toFields(item).top_logprobs).flatMap((other) => toLikely(other) ?? [])
    const kept = top.toSorted((one, other) => other.logprob - one.logprob).slice(0, alternatives)
    return [kept.length > 0 ? { ...token, top: kept } : token]
  })
}

/** Infinity is no JSON: engines write `null`, or the smallest number that they have. */
function toLikely(value: unknown): Likely | undefined {
  const { token, logprob } = toFields(value)
  if (typeof token !== 'string' || (typeof logprob !== 'number' && logprob !== null)) return undefined
  return { token: token.toWellFormed(), logprob: Math.max(impossible, Math.min(0, logprob ?? impossible)) }
}
