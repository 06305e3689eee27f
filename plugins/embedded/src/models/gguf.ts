import { type FileHandle, open } from 'node:fs/promises'
import { LmappError } from 'lmapp-kit'
import { listType, tensorTypes } from 'lmapp-kit/gguf'

export type GgufValue = string | number | boolean | GgufValue[]

/** What the head of a GGUF file says. Long lists, such as the vocabulary, are left out of `metadata`. */
export interface GgufHead {
  metadata: ReadonlyMap<string, GgufValue>
  parameterCount: number
  /** Entries of the vocabulary, when there is one. */
  vocabularySize?: number
  /** Bytes that the file must have to hold every tensor. */
  neededBytes: number
}

const firstReadBytes = 1 << 20
const mostHeadBytes = 1 << 28
const longestKeptList = 1024
const deepestList = 8
const vocabularyKey = 'tokenizer.ggml.tokens'

/** Reads the head only. Throws `not-a-model` for what is no GGUF file or is cut short. */
export async function readGgufHead(path: string): Promise<GgufHead> {
  await using file = await open(path, 'r')
  const { size } = await file.stat()
  const head = await parseGrowing(file, size, path)
  if (head.neededBytes > size) throw cutShort(path, size, head.neededBytes)
  return head
}

async function parseGrowing(file: FileHandle, size: number, path: string): Promise<GgufHead> {
  for (let wanted = Math.min(firstReadBytes, size); ; ) {
    const bytes = Buffer.alloc(wanted)
    await file.read(bytes, 0, wanted, 0)
    const head = parseHead(bytes, path)
    if (typeof head !== 'number') return head
    if (head > size) throw cutShort(path, size, head)
    if (head > mostHeadBytes) throw notAModel(path, 'Its head is larger than that of any model.')
    wanted = Math.min(Math.max(head, wanted * 4), size, mostHeadBytes)
  }
}

/** The head, or how many bytes it needs at least when these are too few. */
function parseHead(bytes: Buffer, path: string): GgufHead | number {
  try {
    return parseFields(new Cursor(bytes), path)
  } catch (error) {
    if (error instanceof MoreNeeded) return error.bytes
    throw error
  }
}

function parseFields(cursor: Cursor, path: string): GgufHead {
  if (cursor.bytes(4).toString('latin1') !== 'GGUF') throw notAModel(path, 'It does not begin as a GGUF file does.')
  const version = cursor.uint32()
  if (version !== 2 && version !== 3) throw notAModel(path, `Its GGUF version is ${version}; 2 and 3 are known.`)
  const tensorCount = cursor.uint64()
  const entryCount = cursor.uint64()
  const metadata = new Map<string, GgufValue>()
  let vocabularySize = 0
  for (let index = 0; index < entryCount; index++) {
    const key = cursor.string()
    const type = cursor.uint32()
    if (key === vocabularyKey && type === listType) vocabularySize = cursor.listLength()
    const value = readValue(cursor, type, path)
    if (value !== undefined) metadata.set(key, value)
  }
  const vocabulary = vocabularySize > 0 && { vocabularySize }
  return { metadata, ...vocabulary, ...readTensors(cursor, tensorCount, metadata) }
}

function readTensors(cursor: Cursor, count: number, metadata: ReadonlyMap<string, GgufValue>) {
  let parameterCount = 0
  let dataBytes = 0
  for (let index = 0; index < count; index++) {
    cursor.string()
    const dimensions = cursor.uint32()
    let elements = 1
    for (let dimension = 0; dimension < dimensions; dimension++) elements *= cursor.uint64()
    const block = tensorTypes.get(cursor.uint32())
    const start = cursor.uint64()
    parameterCount += elements
    dataBytes = Math.max(dataBytes, start + (block ? (elements / block.elements) * block.bytes : 1))
  }
  const given = metadata.get('general.alignment')
  const alignment = typeof given === 'number' && given > 0 ? given : 32
  const dataStart = Math.ceil(cursor.position / alignment) * alignment
  return { parameterCount, neededBytes: count === 0 ? cursor.position : dataStart + dataBytes }
}

function readValue(cursor: Cursor, type: number, path: string, depth = 0): GgufValue | undefined {
  if (type === 8) return cursor.string()
  if (type === listType) return readList(cursor, path, depth + 1)
  const scalar = scalars.get(type)
  if (!scalar) throw notAModel(path, `It holds a value of the unknown type ${type}.`)
  return scalar.read(cursor.bytes(scalar.bytes))
}

function readList(cursor: Cursor, path: string, depth: number): GgufValue[] | undefined {
  if (depth > deepestList) throw notAModel(path, 'Its lists are nested too deeply.')
  const type = cursor.uint32()
  const count = cursor.uint64()
  const scalar = scalars.get(type)
  if (scalar && count > longestKeptList) {
    cursor.bytes(scalar.bytes * count)
    return undefined
  }
  const list: GgufValue[] = []
  for (let index = 0; index < count; index++) {
    if (count > longestKeptList && type === 8) cursor.skipString()
    else list.push(readValue(cursor, type, path, depth) ?? [])
  }
  return count > longestKeptList ? undefined : list
}

const scalars: ReadonlyMap<number, { bytes: number; read(bytes: Buffer): number | boolean }> = new Map([
  [0, { bytes: 1, read: (bytes: Buffer) => bytes.readUInt8() }],
  [1, { bytes: 1, read: (bytes: Buffer) => bytes.readInt8() }],
  [2, { bytes: 2, read: (bytes: Buffer) => bytes.readUInt16LE() }],
  [3, { bytes: 2, read: (bytes: Buffer) => bytes.readInt16LE() }],
  [4, { bytes: 4, read: (bytes: Buffer) => bytes.readUInt32LE() }],
  [5, { bytes: 4, read: (bytes: Buffer) => bytes.readInt32LE() }],
  [6, { bytes: 4, read: (bytes: Buffer) => bytes.readFloatLE() }],
  [7, { bytes: 1, read: (bytes: Buffer) => bytes.readUInt8() !== 0 }],
  [10, { bytes: 8, read: (bytes: Buffer) => Number(bytes.readBigUInt64LE()) }],
  [11, { bytes: 8, read: (bytes: Buffer) => Number(bytes.readBigInt64LE()) }],
  [12, { bytes: 8, read: (bytes: Buffer) => bytes.readDoubleLE() }],
])

class MoreNeeded extends Error {
  readonly bytes: number

  constructor(bytes: number) {
    super()
    this.bytes = bytes
  }
}

class Cursor {
  position = 0
  readonly #bytes: Buffer

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  bytes(count: number): Buffer {
    const start = this.#advance(count)
    return this.#bytes.subarray(start, this.position)
  }

  uint32(): number {
    return this.#bytes.readUInt32LE(this.#advance(4))
  }

  uint64(): number {
    const start = this.#advance(8)
    return this.#bytes.readUInt32LE(start) + this.#bytes.readUInt32LE(start + 4) * 2 ** 32
  }

  /** Of the list that comes next; it is not read. */
  listLength(): number {
    const { position } = this
    this.uint32()
    const length = this.uint64()
    this.position = position
    return length
  }

  string(): string {
    return this.bytes(this.uint64()).toString('utf8')
  }

  skipString(): void {
    this.#advance(this.uint64())
  }

  #advance(count: number): number {
    const start = this.position
    if (start + count > this.#bytes.length) throw new MoreNeeded(start + count)
    this.position = start + count
    return start
  }
}

function notAModel(path: string, why: string): LmappError {
  return new LmappError('not-a-model', `${path} is no model that can be read. ${why}`, { details: { path } })
}

function cutShort(path: string, bytes: number, neededBytes: number): LmappError {
  return new LmappError('not-a-model', `${path} is cut short: ${bytes} bytes, at least ${neededBytes} are needed.`, {
    details: { path, bytes, neededBytes },
  })
}
