import type { Capabilities, ModelInfo } from 'lmapp-kit'
import { quantizations } from 'lmapp-kit/gguf'
import type { GgufHead, GgufValue } from './gguf.ts'

/** What a `<name>.json` beside the model may say. */
export interface Sidecar {
  license?: string
  source?: string
  /** Lower-case hex. */
  sha256?: string
}

export interface ModelFile {
  id: string
  path: string
  sizeBytes: number
  modifiedAtMs: number
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

/** Whether it writes text at all: encoders and image projectors do not. */
export function writesText(head: GgufHead): boolean {
  return !/bert|clip|t5encoder/.test(textOf(head.metadata.get('general.architecture')) ?? '')
}

/** Bytes that one token takes in the cache, as 16-bit floats, over all layers. 0 when the file does not say. */
export function cacheBytesPerToken(head: GgufHead): number {
  const heads = ofArchitecture(head, 'attention.head_count') ?? 0
  const cacheHeads = ofArchitecture(head, 'attention.head_count_kv') ?? heads
  const width = heads > 0 ? (ofArchitecture(head, 'embedding_length') ?? 0) / heads : 0
  const keys = ofArchitecture(head, 'attention.key_length') ?? width
  const values = ofArchitecture(head, 'attention.value_length') ?? width
  return (ofArchitecture(head, 'block_count') ?? 0) * cacheHeads * (keys + values) * 2
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
    embed: 'no',
    logprobs: 'no',
    'count-tokens': chat,
  }
}

function ofArchitecture(head: GgufHead, key: string): number | undefined {
  const architecture = textOf(head.metadata.get('general.architecture')) ?? ''
  const value = head.metadata.get(`${architecture}.${key}`)
  if (Array.isArray(value)) return Math.max(0, ...value.filter((item) => typeof item === 'number'))
  return numberOf(value)
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
