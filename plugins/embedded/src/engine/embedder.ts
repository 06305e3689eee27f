import type { LlamaContext, LlamaContextSequence, LlamaModel, SequenceEvaluateOptions, Token } from 'node-llama-cpp'
import { type ModelFile, readsAtOnce } from '../models/describe-model.ts'
import type { Runtime } from '../runtime/open-runtime.ts'
import { contextBytesOf, tooLarge } from './memory.ts'
import { createSlots } from './slots.ts'

export interface EmbedderOptions {
  runtime: Runtime
  file: ModelFile
  model: LlamaModel
  makeRoom(): Promise<boolean>
  /** Bytes that contexts may still take. */
  availableBytes(): Promise<number>
}

export interface EmbedInput {
  tokens: readonly Token[]
  /** Of the longest text of its batch: the context is made once. */
  longest: number
  signal: AbortSignal
  /** Called before each stretch of work. */
  pace(): void
}

/** Turns tokens into a vector, as llama.cpp pools it. It has a context of its own, made at first need. */
export interface Embedder extends AsyncDisposable {
  /** One text after the other. Throws `model-too-large` where the context does not fit in memory. */
  embed(input: EmbedInput): Promise<Float64Array>
}

const smallestContext = 512
const batchTokens = 512

export function createEmbedder(options: EmbedderOptions): Embedder {
  const turns = createSlots(1)
  let opened: { context: LlamaContext; sequence: LlamaContextSequence } | undefined

  async function open(longest: number, signal: AbortSignal) {
    if (opened && opened.context.contextSize > longest) return opened
    await opened?.context.dispose()
    opened = undefined
    const contextSize = Math.max(smallestContext, 2 ** Math.ceil(Math.log2(longest + 1)))
    await assertContextFits(options, contextSize)
    const context = await openContext(options, contextSize, signal)
    opened = { context, sequence: context.getSequence() }
    return opened
  }

  return {
    async embed({ tokens, longest, signal, pace }) {
      const done = await turns.take(signal)
      try {
        const { context, sequence } = await open(longest, signal)
        await sequence.clearHistory()
        const atOnce = readsAtOnce(options.file.head) ? tokens.length : batchTokens
        for (let start = 0; start < tokens.length; start += atOnce) {
          signal.throwIfAborted()
          pace()
          await read(sequence, tokens.slice(start, start + atOnce), start + atOnce >= tokens.length)
        }
        return vectorOf(context, tokens.length)
      } finally {
        done()
      }
    },

    async [Symbol.asyncDispose]() {
      const done = await turns.take()
      await opened?.context.dispose()
      opened = undefined
      done()
    },
  }
}

async function assertContextFits(options: EmbedderOptions, contextLength: number): Promise<void> {
  const { file, makeRoom } = options
  for (;;) {
    const availableBytes = await options.availableBytes()
    if (contextBytesOf(file, contextLength) <= availableBytes) return
    if (await makeRoom()) continue
    throw tooLarge(file, { contextLength, availableBytes: availableBytes + file.sizeBytes })
  }
}

async function openContext({ runtime, file, model }: EmbedderOptions, contextSize: number, signal: AbortSignal) {
  const onlyProcessor = runtime.llama.gpu === false
  const context = {
    contextSize,
    sequences: 1,
    threads: { ideal: runtime.threads, min: 1 },
    batchSize: readsAtOnce(file.head) ? contextSize : batchTokens,
    createSignal: signal,
    ...(onlyProcessor && { ignoreMemorySafetyChecks: true, failedCreationRemedy: false as const }),
    ...embeddingMode.context,
  }
  return await runtime.governor.withAll(() => model.createContext(context))
}

/** Reads tokens; the vector is there after the last ones. */
async function read(sequence: LlamaContextSequence, tokens: Token[], isLast: boolean): Promise<void> {
  if (!isLast) return await sequence.evaluateWithoutGeneratingNewTokens(tokens)
  const reading = sequence.evaluate(tokens, embeddingMode.evaluation)
  await reading.next()
  await reading.return()
}

/**
 * node-llama-cpp's own class for vectors reads a text in one go: nobody could stop it. It is made of these parts, which
 * its types do not show (3.22.1).
 */
const embeddingMode = {
  context: { _embeddings: true },
  evaluation: { _noSampling: true } as SequenceEvaluateOptions,
}

function vectorOf(context: LlamaContext, tokenCount: number): Float64Array {
  return (context as unknown as EmbeddingContext)._ctx.getEmbedding(tokenCount)
}

interface EmbeddingContext {
  _ctx: { getEmbedding(tokenCount: number): Float64Array }
}
