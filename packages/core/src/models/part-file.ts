import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, open, readFile, rm, writeFile } from 'node:fs/promises'
import { LmappError } from 'lmapp-kit'
import { toDiskError } from './disk.ts'

/** A model file while it is written: `<name>.gguf.part`, beside it what it is a part of, so that a later fetch can go on. */
export class PartFile implements AsyncDisposable {
  readonly path: string
  readonly #file: FileHandle
  #hash: Hash
  #size = 0

  private constructor(path: string, file: FileHandle, hash: Hash, size: number) {
    this.path = path
    this.#file = file
    this.#hash = hash
    this.#size = size
  }

  /** Goes on with what is there if it is a part of the same; `identity` absent: always begins anew. */
  static async open(path: string, identity?: string): Promise<PartFile> {
    const isSame = identity !== undefined && (await readText(identityPath(path))) === identity
    if (!isSame) await removePart(path)
    try {
      if (identity !== undefined && !isSame) await writeFile(identityPath(path), identity, { mode: 0o600 })
      const hash = createHash('sha256')
      const size = await hashFile(path, hash)
      return new PartFile(path, await open(path, 'a', 0o600), hash, size)
    } catch (error) {
      throw toDiskError(error, path)
    }
  }

  get size(): number {
    return this.#size
  }

  async append(chunk: Uint8Array): Promise<void> {
    try {
      for (let written = 0; written < chunk.length; ) {
        const { bytesWritten } = await this.#file.write(chunk, written)
        written += bytesWritten
      }
    } catch (error) {
      throw toDiskError(error, this.path)
    }
    this.#hash.update(chunk)
    this.#size += chunk.length
  }

  async restart(): Promise<void> {
    await this.#file.truncate()
    this.#hash = createHash('sha256')
    this.#size = 0
  }

  /** On disk for good; nothing can be appended afterwards. Lower-case hex. */
  async finish(): Promise<{ sha256: string; sizeBytes: number }> {
    try {
      await this.#file.sync()
    } catch (error) {
      throw toDiskError(error, this.path)
    }
    return { sha256: this.#hash.digest('hex'), sizeBytes: this.#size }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close()
  }
}

export async function removePart(path: string): Promise<void> {
  await rm(path, { force: true })
  await rm(identityPath(path), { force: true })
}

export async function removePartIdentity(path: string): Promise<void> {
  await rm(identityPath(path), { force: true })
}

/** Throws `checksum-mismatch` unless it is what was expected, as far as that is known. */
export function assertExpected(
  actual: { sha256: string; sizeBytes: number },
  expected: { sha256?: string | undefined; sizeBytes?: number | undefined },
  source: string,
): void {
  const { sha256 = actual.sha256, sizeBytes = actual.sizeBytes } = expected
  if (actual.sha256 === sha256 && actual.sizeBytes === sizeBytes) return
  throw new LmappError('checksum-mismatch', `What came from ${source} is not the expected file.`, {
    details: { source, expected: { sha256, sizeBytes }, actual },
  })
}

const identityPath = (path: string): string => `${path}.json`

async function readText(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(() => undefined)
}

/** Its length, 0 for a file that is not there yet. */
async function hashFile(path: string, hash: Hash): Promise<number> {
  let size = 0
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
      hash.update(chunk)
      size += chunk.length
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  return size
}
