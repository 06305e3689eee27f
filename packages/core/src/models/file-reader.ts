import type { FileHandle } from 'node:fs/promises'

/** Thrown when the file ends, or a number in it cannot be true. */
export class MalformedFileError extends Error {}

/** Reads little-endian values from the beginning of a file, through one window: what is skipped is not read. */
export class FileReader {
  readonly #file: FileHandle
  readonly size: number
  #window = Buffer.alloc(0)
  #windowStart = 0
  #position = 0

  constructor(file: FileHandle, size: number) {
    this.#file = file
    this.size = size
  }

  get position(): number {
    return this.#position
  }

  get remaining(): number {
    return this.size - this.#position
  }

  async uint32(): Promise<number> {
    return (await this.#take(4)).readUInt32LE()
  }

  /** Refuses what no file can mean: more than 2^53. */
  async uint64(): Promise<number> {
    const value = Number((await this.#take(8)).readBigUInt64LE())
    if (!Number.isSafeInteger(value)) throw new MalformedFileError('a number is larger than any file')
    return value
  }

  async bytes(count: number): Promise<Buffer> {
    return Buffer.from(await this.#take(count))
  }

  skip(count: number): void {
    if (count > this.remaining) throw new MalformedFileError('it ends too early')
    this.#position += count
  }

  /** Passes over texts, each behind its length: a vocabulary has some hundred thousand. */
  async skipTexts(count: number): Promise<void> {
    for (let index = 0; index < count; index += 1) {
      const offset = this.#position - this.#windowStart
      const isInWindow = offset >= 0 && offset + 8 <= this.#window.length
      const high = isInWindow ? this.#window.readUInt32LE(offset + 4) : 1
      if (high !== 0) this.skip(await this.uint64())
      else this.skip(8 + this.#window.readUInt32LE(offset))
    }
  }

  /** Valid until the next call. */
  async #take(count: number): Promise<Buffer> {
    const from = this.#position
    this.skip(count)
    const offset = from - this.#windowStart
    if (offset < 0 || offset + count > this.#window.length) {
      await this.#fill(from, Math.max(count, windowBytes))
      return this.#window.subarray(0, count)
    }
    return this.#window.subarray(offset, offset + count)
  }

  async #fill(from: number, wanted: number): Promise<void> {
    const window = Buffer.alloc(Math.min(wanted, this.size - from))
    let filled = 0
    while (filled < window.length) {
      const { bytesRead } = await this.#file.read(window, filled, window.length - filled, from + filled)
      if (bytesRead === 0) throw new MalformedFileError('it ends too early')
      filled += bytesRead
    }
    this.#window = window
    this.#windowStart = from
  }
}

const windowBytes = 256 * 1024
