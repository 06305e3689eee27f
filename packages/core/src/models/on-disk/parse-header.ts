import { isLmappError } from 'lmapp-kit'
import type { Scratch } from '../file-reader.ts'
import { type GgufHeader, type GgufKind, readAnyGguf } from '../gguf.ts'
import type { FileHeader } from './disk-model.ts'
import { toRecord } from './file-cache.ts'

/** A file as it was read: its header, or why it has none. */
export type ReadHeader = { header: FileHeader } | { broken: string; code?: string }

/** Never throws for what is wrong with a file. */
export async function readFileHeader(path: string, scratch?: Scratch): Promise<ReadHeader> {
  try {
    return { header: toFileHeader(await readAnyGguf(path, scratch)) }
  } catch (error) {
    if (!isLmappError(error, 'not-a-model')) throw error
    const { reason } = error.details ?? {}
    return { broken: error.message, ...(typeof reason === 'string' && { code: reason }) }
  }
}

function toFileHeader({ chatTemplate, version: _version, name: _name, ...header }: GgufHeader): FileHeader {
  return { ...header, thinks: /<\/?think>|enable_thinking/.test(chatTemplate ?? '') }
}

const kinds: ReadonlySet<unknown> = new Set<GgufKind>([
  'text',
  'encoder',
  'part',
  'adapter',
  'projector',
  'imatrix',
  'vocabulary',
  'other',
])

/** What a cache on disk holds; undefined for what nobody of us wrote. */
export function parseReadHeader(value: unknown): ReadHeader | undefined {
  const { broken, code, header } = toRecord(value)
  if (typeof broken === 'string') return { broken, ...(typeof code === 'string' && { code }) }
  const { kind, architecture, parameters, parameterCount, parts, tensors, memory, thinks, ...rest } = toRecord(header)
  const texts = { architecture, parameters }
  const counts = { parameterCount, parts, tensors }
  if (!kinds.has(kind) || !areAll(texts, 'string') || !areAll(counts, 'number') || !isMemory(memory)) return undefined
  const { license, quantization, contextLength } = rest
  return {
    header: {
      kind: kind as GgufKind,
      ...texts,
      ...counts,
      memory,
      thinks: thinks === true,
      ...(typeof license === 'string' && { license }),
      ...(typeof quantization === 'string' && { quantization }),
      ...(typeof contextLength === 'number' && { contextLength }),
    },
  }
}

interface Primitives {
  string: string
  number: number
}

function areAll<Key extends string, Name extends keyof Primitives>(
  values: Record<Key, unknown>,
  name: Name,
): values is Record<Key, Primitives[Name]> {
  return Object.values(values).every((value) => typeof value === name)
}

function isMemory(value: unknown): value is FileHeader['memory'] {
  if (typeof value !== 'object' || value === null) return false
  const { architecture = '', headCountKv = [], slidingWindowPattern = [], ...counts } = toRecord(value)
  return (
    typeof architecture === 'string' &&
    isCountOrList(headCountKv, 'number') &&
    isCountOrList(slidingWindowPattern, 'boolean') &&
    Object.values(counts).every((count) => typeof count === 'number')
  )
}

function isCountOrList(value: unknown, of: 'number' | 'boolean'): boolean {
  return typeof value === 'number' || (Array.isArray(value) && value.every((each) => typeof each === of))
}
