import { LmappError, untilAborted } from 'lmapp-kit'
import type { LlamaContext, LlamaContextSequence, LlamaModel, Token } from 'node-llama-cpp'
import type { Runtime } from '../runtime/open-runtime.ts'
import { createSlots } from './slots.ts'

export interface SequencePoolOptions {
  runtime: Runtime
  model: LlamaModel
  /** Sequences of one context: chats that share the model. */
  parallel: number
  /** Frees memory that something else holds; false when there is nothing to free. */
  makeRoom(): Promise<boolean>
}

export interface SequenceRequest {
  tokens: readonly Token[]
  /** Context without which the chat cannot begin, and the one that it would like, in tokens. */
  least: number
  wanted: number
  signal?: AbortSignal
}

/** One sequence, lent. What was evaluated before and `tokens` have in common is still in it. */
export interface SequenceLease {
  sequence: LlamaContextSequence
  /** Tokens that the sequence can hold. */
  contextSize: number
  cachedTokens: number
  release(): void
}

/** Keeps what each sequence has read, and lends the one that has read most of a new prompt. */
export interface SequencePool extends AsyncDisposable {
  /** Makes a context of the usual size, so that the first chat need not. */
  prepare(): Promise<void>
  lease(request: SequenceRequest): Promise<SequenceLease>
}

interface Member {
  sequence: LlamaContextSequence
  lent: boolean
  /** Counts leases; 0 when it has read nothing yet. */
  usedAt: number
}

const usualContext = 4096
const batchTokens = 512

export function createSequencePool(options: SequencePoolOptions): SequencePool {
  const turns = createSlots(1)
  let context: LlamaContext | undefined
  let members: Member[] = []
  /** Contexts beyond this did not fit in memory. */
  let ceiling = options.model.trainContextSize
  let leases = 0
  let returned = Promise.withResolvers<void>()

  async function fit(least: number, wanted: number, signal: AbortSignal | undefined): Promise<LlamaContext> {
    const size = Math.max(least, Math.min(wanted, ceiling))
    if (context && context.contextSize >= size) return context
    while (members.some((member) => member.lent)) await untilAborted(returned.promise, signal)
    await context?.dispose()
    context = undefined
    members = []
    const made = await openContext(options, least, Math.max(size, toUsualSize(size, ceiling)), signal)
    if (made.contextSize < size) ceiling = made.contextSize
    members = Array.from({ length: made.totalSequences }, () => ({
      sequence: made.getSequence(),
      lent: false,
      usedAt: 0,
    }))
    context = made
    return made
  }

  async function lend(contextSize: number, request: SequenceRequest): Promise<SequenceLease> {
    while (members.every((member) => member.lent)) await untilAborted(returned.promise, request.signal)
    const member = choose(
      members.filter((candidate) => !candidate.lent),
      request.tokens,
    )
    member.lent = true
    member.usedAt = ++leases
    const release = (): void => {
      member.lent = false
      returned.resolve()
      returned = Promise.withResolvers()
    }
    try {
      // The last token is always read, since only reading gives the next one.
      const common = request.tokens.slice(0, Math.min(commonLength(member, request.tokens), request.tokens.length - 1))
      await member.sequence.adaptStateToTokens(common, false)
      return { sequence: member.sequence, contextSize, cachedTokens: member.sequence.nextTokenIndex, release }
    } catch (error) {
      release()
      throw error
    }
  }

  return {
    async prepare() {
      const done = await turns.take()
      try {
        await fit(1, usualContext, undefined)
      } finally {
        done()
      }
    },

    async lease(request) {
      const done = await turns.take(request.signal)
      try {
        const { contextSize } = await fit(request.least, request.wanted, request.signal)
        return await lend(contextSize, request)
      } finally {
        done()
      }
    },

    async [Symbol.asyncDispose]() {
      await context?.dispose()
      context = undefined
    },
  }
}

/** Powers of two, so that a growing conversation seldom needs a new context, which is read from the beginning. */
function toUsualSize(wanted: number, ceiling: number): number {
  return Math.min(ceiling, Math.max(usualContext, 2 ** Math.ceil(Math.log2(wanted))))
}

async function openContext(
  { runtime, model, parallel, makeRoom }: SequencePoolOptions,
  least: number,
  most: number,
  signal: AbortSignal | undefined,
): Promise<LlamaContext> {
  for (let sequences = parallel; ; ) {
    try {
      const create = () =>
        model.createContext({
          contextSize: { min: Math.min(least, most), max: most },
          sequences,
          threads: { ideal: runtime.threads, min: 1 },
          batchSize: batchTokens,
          ...(signal && { createSignal: signal }),
        })
      return await runtime.governor.withAll(create)
    } catch (error) {
      signal?.throwIfAborted()
      if (await makeRoom()) continue
      if (sequences === 1) throw tooLarge(least, error)
      sequences = 1
    }
  }
}

/** Takes over a state only where most of it is of use; otherwise the one that was used longest ago is given up. */
function choose(free: readonly Member[], tokens: readonly Token[]): Member {
  const [oldest] = free.toSorted((left, right) => left.usedAt - right.usedAt)
  const [nearest] = free.toSorted((left, right) => commonLength(right, tokens) - commonLength(left, tokens))
  if (!oldest || !nearest) throw new Error('No sequence is free')
  return commonLength(nearest, tokens) * 2 >= nearest.sequence.nextTokenIndex ? nearest : oldest
}

function commonLength(member: Member, tokens: readonly Token[]): number {
  return member.sequence.compareContextTokens([...tokens]).firstDifferentIndex
}

function tooLarge(tokens: number, cause: unknown): LmappError {
  return new LmappError('model-load-failed', `A context of ${tokens} tokens does not fit in memory beside the model.`, {
    hint: 'Free some memory, shorten the conversation, or choose a smaller model: lmapp models list',
    details: { contextTokens: tokens },
    cause,
  })
}
