import { open } from 'node:fs/promises'
import { LmappError } from 'lmapp-kit'
import { listType, quantizations, tensorTypes, textType, valueBytes } from 'lmapp-kit/gguf'
import { FileReader, MalformedFileError } from './file-reader.ts'

/** What a model file says about itself. */
export interface GgufHeader {
  version: number
  /** As `llama`, `qwen3`. */
  architecture: string
  name?: string
  /** As `135M`: what the file says, else counted. */
  parameters: string
  license?: string
  /** As `Q4_K_M`. */
  quantization?: string
  /** The most the model was trained for, in tokens. */
  contextLength?: number
  /** More than 1: the model goes on in other files. */
  parts: number
  hasChatTemplate: boolean
  tensors: number
}

/**
 * Reads the header and proves that the file is as long as its tensors need. Never reads the tensors themselves.
 * Throws `not-a-model` for what is no GGUF model or is cut short, with `details.path`.
 */
export async function readGgufHeader(path: string): Promise<GgufHeader> {
  try {
    await using file = await open(path)
    const { size } = await file.stat()
    return await readHeader(new FileReader(file, size))
  } catch (error) {
    if (!(error instanceof MalformedFileError)) throw toUnreadable(path, error)
    throw new LmappError('not-a-model', `${path} is no usable GGUF model: ${error.message}.`, { details: { path } })
  }
}

/** Real files have some tens of keys, some thousands of tensors, and some megabytes of vocabulary. */
const limits = { keys: 65_536, tensors: 1_000_000, textBytes: 1_048_576, dimensions: 8, listDepth: 4 } as const

const oldestVersion = 2
const newestVersion = 3
const standardAlignment = 32

type Metadata = Map<string, string | number | boolean>

async function readHeader(reader: FileReader): Promise<GgufHeader> {
  if (reader.size < 24) throw new MalformedFileError('it is too short')
  if ((await reader.bytes(4)).toString('latin1') !== 'GGUF') throw new MalformedFileError('it does not begin with GGUF')
  const version = await reader.uint32()
  if (version < oldestVersion || version > newestVersion) throw toWrongVersion(version)
  const tensors = withinLimit(await reader.uint64(), limits.tensors, 'tensors')
  const keys = withinLimit(await reader.uint64(), limits.keys, 'keys')
  const metadata = await readMetadata(reader, keys)
  const { elements, bytes } = await readTensors(reader, tensors)
  assertComplete(reader, metadata, bytes)
  return toHeader(version, metadata, { tensors, elements })
}

async function readMetadata(reader: FileReader, keys: number): Promise<Metadata> {
  const metadata: Metadata = new Map()
  for (let index = 0; index < keys; index += 1) {
    const key = await readText(reader)
    const type = await reader.uint32()
    const value = await readValue(reader, type)
    if (value !== undefined) metadata.set(key, value)
  }
  return metadata
}

/** Lists are passed over. */
async function readValue(reader: FileReader, type: number): Promise<string | number | boolean | undefined> {
  if (type === textType) return readText(reader)
  if (type === listType) return skipList(reader, 1)
  const bytes = await reader.bytes(sizeOfValue(type))
  switch (type) {
    case 0:
      return bytes.readUInt8()
    case 1:
      return bytes.readInt8()
    case 2:
      return bytes.readUInt16LE()
    case 3:
      return bytes.readInt16LE()
    case 4:
      return bytes.readUInt32LE()
    case 5:
      return bytes.readInt32LE()
    case 6:
      return bytes.readFloatLE()
    case 7:
      return bytes.readUInt8() !== 0
    case 10:
      return Number(bytes.readBigUInt64LE())
    case 11:
      return Number(bytes.readBigInt64LE())
    default:
      return bytes.readDoubleLE()
  }
}

async function skipList(reader: FileReader, depth: number): Promise<undefined> {
  const type = await reader.uint32()
  const count = await reader.uint64()
  if (depth > limits.listDepth) throw new MalformedFileError('lists are nested too deeply')
  if (count > reader.remaining) throw new MalformedFileError('it ends too early')
  if (type !== textType && type !== listType) reader.skip(count * sizeOfValue(type))
  else if (type === textType) await reader.skipTexts(count)
  else for (let index = 0; index < count; index += 1) await skipList(reader, depth + 1)
  return undefined
}

async function readText(reader: FileReader): Promise<string> {
  const length = await reader.uint64()
  if (length > reader.remaining) throw new MalformedFileError('it ends too early')
  if (length <= limits.textBytes) return (await reader.bytes(length)).toString('utf8')
  reader.skip(length)
  return ''
}

/** All elements together, and the bytes from the beginning of the tensor data to its end, as far as the types are known. */
async function readTensors(reader: FileReader, count: number): Promise<{ elements: number; bytes: number }> {
  let elements = 0
  let bytes = 0
  for (let index = 0; index < count; index += 1) {
    await readText(reader)
    const dimensions = withinLimit(await reader.uint32(), limits.dimensions, 'dimensions of a tensor')
    let size = 1
    for (let dimension = 0; dimension < dimensions; dimension += 1) size *= await reader.uint64()
    const type = tensorTypes.get(await reader.uint32())
    const offset = await reader.uint64()
    elements += size
    const needed = type ? Math.ceil(size / type.elements) * type.bytes : 0
    bytes = Math.max(bytes, offset + needed)
  }
  if (!Number.isSafeInteger(bytes)) throw new MalformedFileError('its tensors are larger than any file')
  return { elements, bytes }
}

function assertComplete(reader: FileReader, metadata: Metadata, bytes: number): void {
  const alignment = Number(metadata.get('general.alignment') ?? standardAlignment)
  if (!(alignment > 0 && alignment <= 65_536)) throw new MalformedFileError('its alignment is not possible')
  const needed = Math.ceil(reader.position / alignment) * alignment + bytes
  if (reader.size < needed) {
    throw new MalformedFileError(`it is cut short, ${reader.size} of at least ${needed} bytes`)
  }
}

function toHeader(version: number, metadata: Metadata, counts: { tensors: number; elements: number }): GgufHeader {
  const architecture = textOf(metadata, 'general.architecture')
  if (architecture === undefined) throw new MalformedFileError('it names no architecture')
  if (counts.tensors === 0) throw new MalformedFileError('it holds no tensors')
  const name = textOf(metadata, 'general.name')
  const license = textOf(metadata, 'general.license')
  const quantization = quantizations.get(Number(metadata.get('general.file_type') ?? Number.NaN))
  const contextLength = numberOf(metadata, `${architecture}.context_length`)
  return {
    version,
    architecture,
    parameters: textOf(metadata, 'general.size_label') ?? toSizeLabel(counts.elements),
    parts: numberOf(metadata, 'split.count') ?? 1,
    hasChatTemplate: metadata.has('tokenizer.chat_template'),
    tensors: counts.tensors,
    ...(name !== undefined && { name }),
    ...(license !== undefined && { license }),
    ...(quantization !== undefined && { quantization }),
    ...(contextLength !== undefined && { contextLength }),
  }
}

function toSizeLabel(elements: number): string {
  if (elements >= 1e9) return `${(elements / 1e9).toFixed(elements >= 1e10 ? 0 : 1)}B`
  if (elements >= 1e6) return `${Math.round(elements / 1e6)}M`
  return `${Math.ceil(elements / 1e3)}K`
}

function textOf(metadata: Metadata, key: string): string | undefined {
  const value = metadata.get(key)
  return typeof value === 'string' && value !== '' ? value : undefined
}

function numberOf(metadata: Metadata, key: string): number | undefined {
  const value = metadata.get(key)
  return typeof value === 'number' && value > 0 ? value : undefined
}

function sizeOfValue(type: number): number {
  const bytes = valueBytes.get(type)
  if (bytes === undefined) throw new MalformedFileError(`it has values of the unknown type ${type}`)
  return bytes
}

function withinLimit(count: number, limit: number, what: string): number {
  if (count > limit) throw new MalformedFileError(`it claims ${count} ${what}`)
  return count
}

function toWrongVersion(version: number): MalformedFileError {
  const isBigEndian = version > 0xff_ffff
  return new MalformedFileError(isBigEndian ? 'it is for big-endian machines' : `it has GGUF version ${version}`)
}

function toUnreadable(path: string, cause: unknown): LmappError {
  const { code } = cause as NodeJS.ErrnoException
  return new LmappError('not-a-model', `${path} cannot be read (${code}).`, { details: { path }, cause })
}
