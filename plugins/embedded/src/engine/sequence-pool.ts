import { untilAborted } from 'lmapp-kit'
import type { LlamaContext, LlamaContextSequence, LlamaModel, Token } from 'node-llama-cpp'
import type { ModelFile } from '../models/describe-model.ts'
import type { Runtime } from '../runtime/open-runtime.ts'
import { contextBytesOf, contextThatFits, leastContext, tooLarge } from './memory.ts'
import { createSlots } from './slots.ts'

export interface SequencePoolOptions {
  runtime: Runtime
  file: ModelFile
  model: LlamaModel
  /** Sequences of one context: chats that share the model. */
  parallel: number
  /** Frees memory that something else holds; false when there is nothing to free. */
  makeRoom(): Promise<boolean>
  /** Bytes that contexts may still take. */
  availableBytes(): Promise<number>
}

export interface SequenceRequest {
  tokens: readonly Token[]
  /** Context without which the chat cannot begin, and the one that it would like, in tokens. */
  least: number
  wanted: number
  /** Whether `wanted` was asked for: then less is no answer. */
  demanded?: boolean
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

type Size = Pick<SequenceRequest, 'least' | 'wanted' | 'demanded' | 'signal'>

/** Throws `model-too-large` where no context is possible with the memory that is free. */
export function createSequencePool(options: SequencePoolOptions): SequencePool {
  const turns = createSlots(1)
  let context: LlamaContext | undefined
  let members: Member[] = []
  let leases = 0
  let returned = Promise.withResolvers<void>()

  async function fit(size: Size): Promise<LlamaContext> {
    if (context && context.contextSize >= size.wanted) return context
    const own = context && contextBytesOf(options.file, context.contextSize, context.totalSequences)
    if (context && !(await canGrow(context, size, own ?? 0))) return context
    while (members.some((member) => member.lent)) await untilAborted(returned.promise, size.signal)
    await context?.dispose()
    context = undefined
    members = []
    const made = await openContext(options, size)
    members = Array.from({ length: made.totalSequences }, () => ({
      sequence: made.getSequence(),
      lent: false,
      usedAt: 0,
    }))
    context = made
    return made
  }

  /** A context that would become no larger is kept, with what its sequences have read. */
  async function canGrow({ contextSize }: LlamaContext, { least, wanted, demanded }: Size, ownBytes: number) {
    if (demanded || least > contextSize) return true
    const most = contextThatFits(options.file, (await options.availableBytes()) + ownBytes, 1)
    return most === undefined || Math.min(most, wanted) > contextSize
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
        await fit({ least: 1, wanted: Math.min(usualContext, options.model.trainContextSize) })
      } finally {
        done()
      }
    },

    async lease(request) {
      const done = await turns.take(request.signal)
      try {
        const { contextSize } = await fit(request)
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

async function openContext(options: SequencePoolOptions, size: Size): Promise<LlamaContext> {
  let most = options.parallel
  for (;;) {
    const availableBytes = await options.availableBytes()
    const plan = planContext(options, size, { most, availableBytes })
    if (!plan?.isWhole && (await options.makeRoom())) continue
    const neededBytes = availableBytes + options.file.sizeBytes
    if (!plan) throw tooLarge(options.file, { contextLength: leastOf(size), availableBytes: neededBytes })
    try {
      return await createContext(options, plan, size.signal)
    } catch (error) {
      size.signal?.throwIfAborted()
      if (await options.makeRoom()) continue
      if (most === 1)
        throw tooLarge(options.file, { contextLength: plan.contextSize, availableBytes: neededBytes }, error)
      most = 1
    }
  }
}

interface Plan {
  contextSize: number
  least: number
  sequences: number
  /** Whether there is room for all that is wanted. */
  isWhole: boolean
}

/** As many sequences as have room for what is wanted; at worst one, with less. Undefined when not even that fits. */
function planContext(
  { file, model }: SequencePoolOptions,
  size: Size,
  { most, availableBytes }: { most: number; availableBytes: number },
): Plan | undefined {
  const usual = toUsualSize(size.wanted, Math.max(size.wanted, model.trainContextSize))
  const least = leastOf(size)
  for (const sequences of new Set([most, 1])) {
    const fits = contextThatFits(file, availableBytes, sequences) ?? Number.POSITIVE_INFINITY
    const enough = sequences > 1 ? size.wanted : least
    if (fits < enough) continue
    const contextSize = Math.min(usual, fits)
    return {
      contextSize,
      least: Math.min(enough, usual),
      sequences,
      isWhole: sequences === most && fits >= size.wanted,
    }
  }
  return undefined
}

function leastOf({ least, wanted, demanded }: Size): number {
  return demanded ? wanted : Math.max(least, Math.min(wanted, leastContext))
}

/** Powers of two, so that a growing conversation seldom needs a new context, which is read from the beginning. */
function toUsualSize(wanted: number, ceiling: number): number {
  return Math.min(ceiling, Math.max(usualContext, 2 ** Math.ceil(Math.log2(wanted))))
}

async function createContext(
  { runtime, model }: SequencePoolOptions,
  { contextSize, least, sequences }: Plan,
  signal: AbortSignal | undefined,
): Promise<LlamaContext> {
  const onlyProcessor = runtime.llama.gpu === false
  const create = () =>
    model.createContext({
      // Without a graphics card there is nothing to divide, and the memory was looked at.
      ...(onlyProcessor && { ignoreMemorySafetyChecks: true, failedCreationRemedy: false as const }),
      contextSize: onlyProcessor ? contextSize : { min: least, max: contextSize },
      sequences,
      threads: { ideal: runtime.threads, min: 1 },
      batchSize: batchTokens,
      ...(signal && { createSignal: signal }),
    })
  return await runtime.governor.withAll(create)
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
