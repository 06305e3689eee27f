import { open } from 'node:fs/promises'
import { LmappError } from 'lmapp-kit'
import { listType, tensorTypes, textType, valueBytes } from 'lmapp-kit/gguf'
import { FileReader, MalformedFileError, type ReadableFile, type Scratch } from './file-reader.ts'
import { type GgufHeader, type Metadata, toHeader } from './gguf-facts.ts'

export type { GgufHeader, GgufKind } from './gguf-facts.ts'

/**
 * Reads the header of one model file and proves that the file is as long as its tensors need. Never reads the tensors themselves.
 * Throws `not-a-model` for what is no GGUF model or is cut short, with `details.path`.
 */
export async function readGgufHeader(path: string): Promise<GgufHeader> {
  const header = await readAnyGguf(path)
  if (header.tensors === 0) throw toRefused(path, 'it holds no tensors')
  if (header.architecture === '') throw toRefused(path, 'it names no architecture')
  return header
}

/** As `readGgufHeader`, also of files that are sound and no models: see `kind`. */
export async function readAnyGguf(path: string, scratch?: Scratch): Promise<GgufHeader> {
  try {
    await using file = await open(path)
    const { size } = await file.stat()
    return await readHeader(new FileReader({ file, size }, scratch))
  } catch (error) {
    if (!(error instanceof MalformedFileError)) throw toUnreadable(path, error)
    throw toRefused(path, error.message)
  }
}

/** As `readAnyGguf`, of a model that lies within another file. Throws `MalformedFileError`. */
export async function readGgufWithin(place: ReadableFile): Promise<GgufHeader> {
  return readHeader(new FileReader(place))
}

/** Real files have some tens of keys, some thousands of tensors, and some megabytes of vocabulary. */
const limits = {
  keys: 65_536,
  keyBytes: 65_536,
  tensors: 1_000_000,
  tensorNameBytes: 4_096,
  textBytes: 1_048_576,
  texts: 16_777_216,
  dimensions: 8,
  listDepth: 4,
  /** Of lists that are kept: one value for each layer. */
  keptValues: 1_024,
} as const

const oldestVersion = 2
const newestVersion = 3
const standardAlignment = 32
const vocabularyKey = 'tokenizer.ggml.tokens'

async function readHeader(reader: FileReader): Promise<GgufHeader> {
  if (reader.size < 24) throw new MalformedFileError('it is too short')
  await reader.reach(24)
  if (reader.bytes(4).toString('latin1') !== 'GGUF') throw new MalformedFileError('it does not begin with GGUF')
  const version = reader.uint32()
  if (version < oldestVersion || version > newestVersion) throw toWrongVersion(version)
  const tensors = withinLimit(reader.uint64(), limits.tensors, 'tensors')
  const keys = withinLimit(reader.uint64(), limits.keys, 'keys')
  const { metadata, vocabulary } = await readMetadata(reader, keys)
  const { elements, bytes } = await readTensors(reader, tensors)
  assertComplete(reader, metadata, bytes)
  return toHeader(metadata, { version, tensors, elements, vocabulary })
}

async function readMetadata(reader: FileReader, keys: number): Promise<{ metadata: Metadata; vocabulary: number }> {
  const metadata = new Map<string, Value>()
  let vocabulary = 0
  for (let index = 0; index < keys; index += 1) {
    await reader.reach(limits.keyBytes + 64)
    const key = reader.bytes(withinLimit(reader.uint64(), limits.keyBytes, 'bytes of a key')).toString('utf8')
    const type = reader.uint32()
    if (type !== listType) {
      const value = type === textType ? await readText(reader) : readNumber(reader, type)
      metadata.set(key, value)
      continue
    }
    const { count, values } = await readList(reader, 1)
    if (key === vocabularyKey) vocabulary = count
    if (values) metadata.set(key, values)
  }
  return { metadata, vocabulary }
}

type Value = string | number | boolean | readonly (number | boolean)[]

function readNumber(reader: FileReader, type: number): number | boolean {
  const bytes = reader.bytes(sizeOfValue(type))
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

/** Short lists of numbers are kept, all others passed over. */
async function readList(reader: FileReader, depth: number): Promise<{ count: number; values?: (number | boolean)[] }> {
  await reader.reach(64)
  const type = reader.uint32()
  const count = reader.uint64()
  if (depth > limits.listDepth) throw new MalformedFileError('lists are nested too deeply')
  if (count > reader.remaining) throw new MalformedFileError('it ends too early')
  if (type === textType) await reader.skipTexts(withinLimit(count, limits.texts, 'texts in a list'))
  else if (type === listType) {
    withinLimit(count, limits.texts, 'lists in a list')
    for (let index = 0; index < count; index += 1) await readList(reader, depth + 1)
  } else if (count > limits.keptValues) reader.skip(count * sizeOfValue(type))
  else {
    await reader.reach(count * 8)
    return { count, values: Array.from({ length: count }, () => readNumber(reader, type)) }
  }
  return { count }
}

async function readText(reader: FileReader): Promise<string> {
  await reader.reach(8)
  const length = reader.uint64()
  if (length > reader.remaining) throw new MalformedFileError('it ends too early')
  if (length <= limits.textBytes) {
    await reader.reach(length)
    return reader.bytes(length).toString('utf8')
  }
  reader.skip(length)
  return ''
}

/** All elements together, and the bytes from the beginning of the tensor data to its end, as far as the types are known. */
async function readTensors(reader: FileReader, count: number): Promise<{ elements: number; bytes: number }> {
  const total = { elements: 0, bytes: 0 }
  for (let index = 0; index < count; index += 1) {
    // Waiting for nothing would cost more than all the rest: some files have thousands.
    const filling = reader.reach(limits.tensorNameBytes + 8 * limits.dimensions + 64)
    if (filling) await filling
    readTensor(reader, total)
  }
  if (!Number.isSafeInteger(total.bytes)) throw new MalformedFileError('its tensors are larger than any file')
  return total
}

function readTensor(reader: FileReader, total: { elements: number; bytes: number }): void {
  reader.skip(withinLimit(reader.uint64(), limits.tensorNameBytes, 'bytes of a name'))
  const dimensions = withinLimit(reader.uint32(), limits.dimensions, 'dimensions of a tensor')
  let size = 1
  for (let dimension = 0; dimension < dimensions; dimension += 1) size *= reader.uint64()
  const type = tensorTypes.get(reader.uint32())
  const offset = reader.uint64()
  const needed = type ? Math.ceil(size / type.elements) * type.bytes : 0
  total.elements += size
  total.bytes = Math.max(total.bytes, offset + needed)
}

function assertComplete(reader: FileReader, metadata: Metadata, bytes: number): void {
  const alignment = Number(metadata.get('general.alignment') ?? standardAlignment)
  if (!(alignment > 0 && alignment <= 65_536)) throw new MalformedFileError('its alignment is not possible')
  const needed = Math.ceil(reader.position / alignment) * alignment + bytes
  if (bytes > 0 && reader.size < needed) {
    throw new MalformedFileError(`it is cut short, ${reader.size} of at least ${needed} bytes`)
  }
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

function toRefused(path: string, why: string): LmappError {
  return new LmappError('not-a-model', `${path} is no usable GGUF model: ${why}.`, { details: { path } })
}

function toUnreadable(path: string, cause: unknown): LmappError {
  const { code } = cause as NodeJS.ErrnoException
  return new LmappError('not-a-model', `${path} cannot be read (${code}).`, { details: { path, reason: code }, cause })
}
