import type { Capabilities, ModelInfo } from 'lmapp-kit'
import { type MemoryFields, quantizations } from 'lmapp-kit/gguf'
import type { GgufHead, GgufValue } from './gguf.ts'
import type { ModelPart } from './model-parts.ts'

/** What a `<name>.json` beside the model may say. */
export interface Sidecar {
  license?: string
  source?: string
  /** Lower-case hex. */
  sha256?: string
}

export interface ModelFile {
  id: string
  /** Of the first file. */
  path: string
  /** Of all files. */
  sizeBytes: number
  modifiedAtMs: number
  parts: readonly ModelPart[]
  head: GgufHead
  sidecar: Sidecar
}

export function toModelInfo(file: ModelFile): ModelInfo {
  const { metadata, parameterCount } = file.head
  const contextLength = trainedContext(file.head)
  const quantization = quantizations.get(numberOf(metadata.get('general.file_type')) ?? -1)
  const family = textOf(metadata.get('general.architecture'))
  const license = file.sidecar.license ?? textOf(metadata.get('general.license'))
  return {
    id: file.id,
    sizeBytes: file.sizeBytes,
    modifiedAt: new Date(file.modifiedAtMs).toISOString(),
    ...(quantization && { quantization }),
    parameters: toShortCount(parameterCount),
    ...(family && { family }),
    ...(contextLength && { contextLength }),
    capabilities: capabilitiesOf(file.head),
    ...(license && { license }),
    ...(file.sidecar.sha256 && { digest: `sha256:${file.sidecar.sha256}` }),
    path: file.path,
  }
}

export function chatTemplate(head: GgufHead): string | undefined {
  return textOf(head.metadata.get('tokenizer.chat_template'))
}

export function trainedContext(head: GgufHead): number | undefined {
  return ofArchitecture(head, 'context_length')
}

/** Whether it is a model of its own: projectors for images and adapters only belong to one. */
export function isModel(head: GgufHead): boolean {
  const kind = textOf(head.metadata.get('general.type')) ?? 'model'
  return kind === 'model' && architectureOf(head) !== 'clip'
}

/** Whether it writes text: encoders do not. */
export function writesText(head: GgufHead): boolean {
  return isModel(head) && !/bert|t5encoder|-embedding$/.test(architectureOf(head)) && poolingOf(head) !== 'rank'
}

/** Whether vectors can be had of it: also of a model that chats, but of none in two halves, and of none that only ranks. */
export function embeds(head: GgufHead): boolean {
  return isModel(head) && !/^t5/.test(architectureOf(head)) && poolingOf(head) !== 'rank'
}

/** How the vectors of the tokens become one. Where the file says nothing, as in models that chat, it is the last token's. */
export function poolingOf(head: GgufHead): 'mean' | 'first' | 'last' | 'rank' {
  const known = { 1: 'mean', 2: 'first', 4: 'rank' } as const
  const value = ofArchitecture(head, 'pooling_type')
  return value === 1 || value === 2 || value === 4 ? known[value] : 'last'
}

/** Whether each token sees those that follow it, so that all have to be read at once. */
export function readsAtOnce(head: GgufHead): boolean {
  const causal = head.metadata.get(`${architectureOf(head)}.attention.causal`)
  return causal === false || /bert|-embedding$/.test(architectureOf(head)) || /mean|first/.test(poolingOf(head))
}

/** What the memory that a model takes depends on. */
export function toMemoryFields({ head, sizeBytes }: Pick<ModelFile, 'head' | 'sizeBytes'>): MemoryFields {
  const heads = head.metadata.get(`${architectureOf(head)}.attention.head_count_kv`)
  const pattern = head.metadata.get(`${architectureOf(head)}.attention.sliding_window_pattern`)
  return {
    sizeBytes,
    architecture: architectureOf(head),
    layers: ofArchitecture(head, 'block_count'),
    embeddingLength: ofArchitecture(head, 'embedding_length'),
    headCount: ofArchitecture(head, 'attention.head_count'),
    headCountKv: Array.isArray(heads) ? heads.map((count) => numberOf(count) ?? 0) : numberOf(heads),
    keyLength: ofArchitecture(head, 'attention.key_length'),
    valueLength: ofArchitecture(head, 'attention.value_length'),
    slidingWindow: ofArchitecture(head, 'attention.sliding_window'),
    slidingWindowPattern: Array.isArray(pattern) ? pattern.map((windowed) => windowed === true) : numberOf(pattern),
    vocabularySize: ofArchitecture(head, 'vocab_size') ?? head.vocabularySize,
  }
}

function capabilitiesOf(head: GgufHead): Capabilities {
  const chat = writesText(head) ? 'yes' : 'no'
  const thinks = /<\/?think>|enable_thinking/.test(chatTemplate(head) ?? '')
  return {
    chat,
    continue: chat,
    'json-schema': chat,
    reasoning: thinks ? 'yes' : 'no',
    tools: 'no',
    vision: 'no',
    embed: embeds(head) ? 'yes' : 'no',
    logprobs: 'no',
    'count-tokens': chat,
  }
}

function ofArchitecture(head: GgufHead, key: string): number | undefined {
  const value = head.metadata.get(`${architectureOf(head)}.${key}`)
  if (Array.isArray(value)) return Math.max(0, ...value.filter((item) => typeof item === 'number'))
  return numberOf(value)
}

function architectureOf(head: GgufHead): string {
  return textOf(head.metadata.get('general.architecture')) ?? ''
}

function toShortCount(count: number): string {
  if (count >= 1e9) return `${Number((count / 1e9).toFixed(1))}B`
  return `${Math.round(count / 1e6)}M`
}

function textOf(value: GgufValue | undefined): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

function numberOf(value: GgufValue | undefined): number | undefined {
  return typeof value === 'number' ? value : undefined
}
