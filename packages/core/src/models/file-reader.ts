import type { FileHandle } from 'node:fs/promises'

/** Thrown when the file ends, or a number in it cannot be true. */
export class MalformedFileError extends Error {}

/** Memory that one reader after the other may use; what is read is valid only until the next of them reads. */
export interface Scratch {
  buffer: Buffer
}

/** A file, or a part of one. */
export interface ReadableFile {
  file: FileHandle
  /** Where it begins in the file. */
  start?: number
  size: number
}

/**
 * Reads little-endian values from the beginning of a file, through one window: what is skipped is not read.
 * Values are taken from the window at once, without a promise for each: `reach` fills it before.
 */
export class FileReader {
  readonly #file: FileHandle
  readonly #start: number
  readonly size: number
  readonly #scratch: Scratch
  #window: Buffer = Buffer.alloc(0)
  #windowStart = 0
  #position = 0

  constructor({ file, start = 0, size }: ReadableFile, scratch: Scratch = { buffer: Buffer.alloc(0) }) {
    this.#scratch = scratch
    this.#file = file
    this.#start = start
    this.size = size
  }

  get position(): number {
    return this.#position
  }

  get remaining(): number {
    return this.size - this.#position
  }

  /** Makes so many bytes from here on ready to be taken; fewer where the file ends before. */
  reach(count: number): Promise<void> | undefined {
    const offset = this.#position - this.#windowStart
    const wanted = Math.min(count, this.remaining)
    if (offset >= 0 && offset + wanted <= this.#window.length) return undefined
    return this.#fill(Math.max(wanted, windowBytes))
  }

  uint32(): number {
    return this.#window.readUInt32LE(this.#advance(4))
  }

  /** Refuses what no file can mean: more than 2^53. */
  uint64(): number {
    const offset = this.#advance(8)
    const high = this.#window.readUInt32LE(offset + 4)
    if (high >= 2 ** 21) throw new MalformedFileError('a number is larger than any file')
    return high * 2 ** 32 + this.#window.readUInt32LE(offset)
  }

  /** Valid until the next `reach`. */
  bytes(count: number): Buffer {
    const offset = this.#advance(count)
    return this.#window.subarray(offset, offset + count)
  }

  skip(count: number): void {
    if (count > this.remaining) throw new MalformedFileError('it ends too early')
    this.#position += count
  }

  /** Passes over texts, each behind its length: a vocabulary has some hundred thousand. */
  async skipTexts(count: number): Promise<void> {
    for (let index = 0; index < count; ) {
      const passed = this.#skipTextsInWindow(count - index)
      if (passed === 0) await this.#fill(longWindowBytes)
      index += passed
    }
  }

  #skipTextsInWindow(count: number): number {
    const { length } = this.#window
    const view = new DataView(this.#window.buffer, this.#window.byteOffset, length)
    const begin = this.#position - this.#windowStart
    if (this.remaining < 8 * count) throw new MalformedFileError('it ends too early')
    let offset = begin
    let passed = 0
    while (passed < count && offset >= 0 && offset + 8 <= length) {
      if (view.getUint32(offset + 4, true) !== 0) throw new MalformedFileError('it ends too early')
      offset += 8 + view.getUint32(offset, true)
      passed += 1
    }
    if (passed > 0) this.skip(offset - begin)
    return passed
  }

  /** Where the bytes lie in the window. */
  #advance(count: number): number {
    const offset = this.#position - this.#windowStart
    this.skip(count)
    if (offset < 0 || offset + count > this.#window.length) throw new RangeError('the window was not filled')
    return offset
  }

  async #fill(wanted: number): Promise<void> {
    const from = this.#position
    const length = Math.min(wanted, this.size - from)
    if (this.#scratch.buffer.length < length) this.#scratch.buffer = Buffer.allocUnsafeSlow(length)
    const window = this.#scratch.buffer.subarray(0, length)
    this.#window = window.subarray(0, 0)
    let filled = 0
    while (filled < window.length) {
      const { bytesRead } = await this.#file.read(window, filled, window.length - filled, this.#start + from + filled)
      if (bytesRead === 0) throw new MalformedFileError('it ends too early')
      filled += bytesRead
    }
    this.#window = window
    this.#windowStart = from
  }
}

const windowBytes = 128 * 1024
/** For what has to be read from end to end. */
const longWindowBytes = 512 * 1024
