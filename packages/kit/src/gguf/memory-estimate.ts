/** What a GGUF head says that memory depends on. `<a>` is `general.architecture`. */
export interface MemoryFields {
  /** Of all files of the model. */
  sizeBytes: number
  /** `general.architecture`. It says which layers have a sliding window, where the head does not. */
  architecture?: string | undefined
  /** `<a>.block_count` */
  layers?: number | undefined
  /** `<a>.embedding_length` */
  embeddingLength?: number | undefined
  /** `<a>.attention.head_count` */
  headCount?: number | undefined
  /** `<a>.attention.head_count_kv`, which may differ by layer. Absent: as many as `headCount`. */
  headCountKv?: number | readonly number[] | undefined
  /** `<a>.attention.key_length` and `.value_length`. Absent: `embeddingLength / headCount`. */
  keyLength?: number | undefined
  valueLength?: number | undefined
  /** `<a>.attention.sliding_window`, in tokens. */
  slidingWindow?: number | undefined
  /** `<a>.attention.sliding_window_pattern`: every so manieth layer sees everything, or for each layer whether it has a window. */
  slidingWindowPattern?: number | readonly boolean[] | undefined
  /** `<a>.vocab_size`, or how long `tokenizer.ggml.tokens` is. Absent: that of a large vocabulary. */
  vocabularySize?: number | undefined
}

export interface MemoryQuestion extends MemoryFields {
  /** Tokens of one conversation: prompt and answer together. */
  contextLength: number
  /** Conversations that are kept side by side, each with its own cache. Default 1. */
  sequences?: number
}

export interface MemoryEstimate {
  /** The file: it is mapped, and read again and again. */
  weightsBytes: number
  /** The cache of keys and values, which grows with the context, and what llama.cpp computes in, which does not. */
  contextBytes: number
  totalBytes: number
}

/**
 * What llama.cpp takes to run a model, or undefined when the head does not say enough (or says nonsense).
 * For SmolLM2-135M (build 11434, flash attention, 512 tokens a batch) it logs 180.00 MiB of cache and 98.25 MiB of compute
 * buffer at 8,192 tokens, and that is what comes out here; at 2,048 tokens its compute buffer is 102.5 MiB, 4 % more. The
 * tables that a process needs beside that (vocabulary, graphs) are about 20 MiB and not counted.
 */
export function estimateMemory(question: MemoryQuestion): MemoryEstimate | undefined {
  const shape = toShape(question)
  if (!shape) return undefined
  const { contextLength, sequences = 1, sizeBytes } = question
  const contextBytes = cacheBytes(shape, contextLength) * sequences + shape.computeBytes
  return { weightsBytes: sizeBytes, contextBytes, totalBytes: sizeBytes + contextBytes }
}

/**
 * The longest context for which the model takes no more than `availableBytes`, in whole steps of the cache.
 * 0 when none fits, undefined when the head does not say enough.
 */
export function largestContext(
  question: Omit<MemoryQuestion, 'contextLength'>,
  availableBytes: number,
): number | undefined {
  const shape = toShape(question)
  if (!shape) return undefined
  const roomBytes = (availableBytes - question.sizeBytes - shape.computeBytes) / (question.sequences ?? 1)
  let [fits, tooMuch] = [0, Math.floor(longestContext / cacheStep) + 1]
  while (tooMuch - fits > 1) {
    const middle = (fits + tooMuch) >> 1
    if (cacheBytes(shape, middle * cacheStep) <= roomBytes) fits = middle
    else tooMuch = middle
  }
  return fits * cacheStep
}

/** Tokens; llama.cpp makes its caches no finer. */
const cacheStep = 256
/** Tokens that are read at once. */
const batchTokens = 512
const bytesOfCachedValue = 2
const bytesOfComputedValue = 4
const largeVocabulary = 151_936
const mostLayers = 65_536
/** Far beyond any model; for the search only. */
const longestContext = 2 ** 30

interface Shape {
  /** Bytes of a token in the cache, of all layers that see everything, and of those that see the window. */
  wholeBytes: number
  windowedBytes: number
  slidingWindow: number
  computeBytes: number
}

function toShape(fields: MemoryFields): Shape | undefined {
  const { layers, embeddingLength, headCount, slidingWindow = 0 } = fields
  if (!isCount(layers) || layers > mostLayers || !isCount(embeddingLength) || !isCount(headCount)) return undefined
  const width = embeddingLength / headCount
  const bytesOfHead = ((fields.keyLength ?? width) + (fields.valueLength ?? width)) * bytesOfCachedValue
  const { headCountKv = headCount } = fields
  const isWhole = toWholeLayers(fields)
  const bytes = { whole: 0, windowed: 0 }
  for (let layer = 0; layer < layers; layer += 1) {
    const heads = typeof headCountKv === 'number' ? headCountKv : (headCountKv[layer] ?? 0)
    if (!(heads >= 0)) return undefined
    bytes[isWhole(layer) ? 'whole' : 'windowed'] += heads * bytesOfHead
  }
  const computed = (fields.vocabularySize ?? largeVocabulary) + 2 * embeddingLength
  const computeBytes = batchTokens * bytesOfComputedValue * computed
  const total = bytes.whole + bytes.windowed + computeBytes + fields.sizeBytes
  if (!Number.isFinite(total) || bytesOfHead < 0) return undefined
  return { wholeBytes: bytes.whole, windowedBytes: bytes.windowed, slidingWindow, computeBytes }
}

function cacheBytes({ wholeBytes, windowedBytes, slidingWindow }: Shape, contextLength: number): number {
  const whole = toStep(contextLength)
  return wholeBytes * whole + windowedBytes * Math.min(whole, toStep(slidingWindow + batchTokens))
}

/** Which layers see the whole context. Where nobody knows, all are taken to: that is the most it can be. */
function toWholeLayers({ slidingWindow = 0, ...fields }: MemoryFields): (layer: number) => boolean {
  if (!(slidingWindow > 0)) return () => true
  const pattern = fields.slidingWindowPattern ?? usualPatterns.get(fields.architecture ?? '') ?? 1
  if (typeof pattern !== 'number') return (layer) => pattern[layer] !== true
  return (layer) => !(pattern > 1) || layer % pattern === pattern - 1
}

/** As llama.cpp has it written into its architectures (`load_swa_pattern`, build 11434). */
const usualPatterns: ReadonlyMap<string, number> = new Map([
  ['gemma2', 2],
  ['gemma3', 6],
  ['gemma3n', 5],
  ['gemma-embedding', 6],
  ['cohere2', 4],
  ['exaone4', 4],
  ['olmo2', 4],
  ['gpt-oss', 2],
])

function toStep(tokens: number): number {
  return Math.ceil(tokens / cacheStep) * cacheStep
}

function isCount(value: number | undefined): value is number {
  return value !== undefined && Number.isSafeInteger(value) && value > 0
}
