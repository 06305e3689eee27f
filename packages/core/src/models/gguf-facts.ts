import type { MemoryFields } from 'lmapp-kit/gguf'
import { quantizations } from 'lmapp-kit/gguf'

/** Single values, and lists of numbers or switches that are not long. */
export type Metadata = ReadonlyMap<string, string | number | boolean | readonly (number | boolean)[]>

/**
 * `text`: writes text. `encoder`: turns text into vectors. `part`: not the first file of a model in several files.
 * The others are no models: what goes with one, or models of something else, such as pictures.
 */
export type GgufKind = 'text' | 'encoder' | 'part' | 'adapter' | 'projector' | 'imatrix' | 'vocabulary' | 'other'

/** What a model file says about itself. */
export interface GgufHeader {
  version: number
  kind: GgufKind
  /** As `llama`, `qwen3`. Empty for later parts, which do not say it again. */
  architecture: string
  name?: string
  /** As `135M`: what the file says, else counted. */
  parameters: string
  /** Counted, of this file. */
  parameterCount: number
  license?: string
  /** As `Q4_K_M`. */
  quantization?: string
  /** The most the model was trained for, in tokens. */
  contextLength?: number
  /** More than 1: the model goes on in other files. */
  parts: number
  chatTemplate?: string
  tensors: number
  memory: Omit<MemoryFields, 'sizeBytes'>
}

/** `vocabulary`: how long the list of tokens is. */
export interface GgufCounts {
  version: number
  tensors: number
  elements: number
  vocabulary: number
}

export function toHeader(metadata: Metadata, { version, tensors, elements, vocabulary }: GgufCounts): GgufHeader {
  const architecture = textOf(metadata, 'general.architecture') ?? ''
  const name = textOf(metadata, 'general.name')
  const license = textOf(metadata, 'general.license')
  const chatTemplate = textOf(metadata, 'tokenizer.chat_template')
  const quantization = quantizations.get(Number(metadata.get('general.file_type') ?? Number.NaN))
  const contextLength = countOf(metadata, `${architecture}.context_length`)
  return {
    version,
    kind: toKind(metadata, architecture, { tensors, vocabulary }),
    architecture,
    parameters: textOf(metadata, 'general.size_label') ?? toSizeLabel(elements),
    parameterCount: elements,
    parts: countOf(metadata, 'split.count') ?? 1,
    tensors,
    memory: toMemory(metadata, architecture, vocabulary),
    ...(name !== undefined && { name }),
    ...(license !== undefined && { license }),
    ...(quantization !== undefined && { quantization }),
    ...(contextLength !== undefined && { contextLength }),
    ...(chatTemplate !== undefined && { chatTemplate }),
  }
}

/** 134515008 → `135M`. */
export function toSizeLabel(elements: number): string {
  if (elements >= 1e9) return `${(elements / 1e9).toFixed(elements >= 1e10 ? 0 : 1)}B`
  if (elements >= 1e6) return `${Math.round(elements / 1e6)}M`
  return `${Math.ceil(elements / 1e3)}K`
}

const kindOfType: ReadonlyMap<string, GgufKind> = new Map([
  ['adapter', 'adapter'],
  ['mmproj', 'projector'],
  ['imatrix', 'imatrix'],
  ['vocab', 'vocabulary'],
])

function toKind(
  metadata: Metadata,
  architecture: string,
  { tensors, vocabulary }: Pick<GgufCounts, 'tensors' | 'vocabulary'>,
): GgufKind {
  const named = kindOfType.get(textOf(metadata, 'general.type') ?? '')
  if (named) return named
  if (metadata.has('adapter.type')) return 'adapter'
  if (architecture === 'clip') return 'projector'
  if (Number(metadata.get('split.no') ?? 0) > 0) return 'part'
  if (tensors === 0) return vocabulary > 0 ? 'vocabulary' : 'other'
  if (/bert|t5encoder/.test(architecture)) return 'encoder'
  return vocabulary > 0 || metadata.has('tokenizer.ggml.model') ? 'text' : 'other'
}

function toMemory(metadata: Metadata, architecture: string, vocabulary: number): GgufHeader['memory'] {
  const of = (key: string) => countOf(metadata, `${architecture}.${key}`)
  const listOf = (key: string) => metadata.get(`${architecture}.${key}`)
  const heads = listOf('attention.head_count_kv')
  const pattern = listOf('attention.sliding_window_pattern')
  return withoutUndefined({
    architecture: architecture === '' ? undefined : architecture,
    layers: of('block_count'),
    embeddingLength: of('embedding_length'),
    headCount: of('attention.head_count') ?? mostOf(listOf('attention.head_count')),
    headCountKv: typeof heads === 'object' ? heads.map(Number) : of('attention.head_count_kv'),
    keyLength: of('attention.key_length'),
    valueLength: of('attention.value_length'),
    slidingWindow: of('attention.sliding_window'),
    slidingWindowPattern: typeof pattern === 'object' ? pattern.map(Boolean) : of('attention.sliding_window_pattern'),
    vocabularySize: of('vocab_size') ?? (vocabulary > 0 ? vocabulary : undefined),
  })
}

function mostOf(value: ReturnType<Metadata['get']>): number | undefined {
  const most = typeof value === 'object' ? Math.max(...value.map(Number)) : 0
  return most > 0 ? most : undefined
}

function textOf(metadata: Metadata, key: string): string | undefined {
  const value = metadata.get(key)
  return typeof value === 'string' && value !== '' ? value : undefined
}

function countOf(metadata: Metadata, key: string): number | undefined {
  const value = metadata.get(key)
  return typeof value === 'number' && value > 0 ? value : undefined
}

function withoutUndefined(fields: GgufHeader['memory']): GgufHeader['memory'] {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}
