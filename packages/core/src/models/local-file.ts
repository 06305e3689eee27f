import { createHash } from 'node:crypto'
import { constants, createReadStream, type Stats } from 'node:fs'
import { access, link, realpath, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { LmappError } from 'lmapp-kit'
import { assertSpace } from './disk.ts'
import { createByteReporter, type FetchContext } from './fetch-context.ts'
import { assertExpected, PartFile, removePart } from './part-file.ts'

/** A file that is on this machine already. */
export interface LocalFile {
  /** For people, as `Tiny-Q4_K_M.gguf`. */
  name: string
  /** For people: where it comes from. */
  source: string
  path: string
  sizeBytes?: number | undefined
  /** Lower-case hex. */
  sha256?: string | undefined
}

export interface BringOptions extends Pick<FetchContext, 'signal' | 'report'> {
  /** A second name of the file will do where nobody else can change it; else it is copied. */
  mayLink: boolean
  /** It is to be run, so a second name needs the right to be run already. */
  isProgram?: boolean
}

/**
 * Brings the whole file to `partPath` and compares it with what is known of it; on a failure nothing is left there.
 * Throws `path-unusable`, `checksum-mismatch`, `disk-full` and the abort reason.
 */
export async function bringLocal(
  file: LocalFile,
  partPath: string,
  options: BringOptions,
): Promise<{ sha256: string; sizeBytes: number }> {
  const { path, found } = await findLocal(file)
  await removePart(partPath)
  try {
    const isLinked = options.mayLink && isSafe(found, options) && (await tryLink(path, partPath))
    const actual = await (isLinked ? hashLinked(file, partPath, options) : copy(file, { path, partPath, ...options }))
    assertExpected(actual, file, file.path)
    return actual
  } catch (error) {
    await removePart(partPath)
    throw error
  }
}

/** Behind all symbolic links: a second name of a link would be a link. Throws `path-unusable`. */
export async function findLocal(file: Pick<LocalFile, 'path'>): Promise<{ path: string; found: Stats }> {
  try {
    const path = await realpath(file.path)
    await access(path, constants.R_OK)
    const found = await stat(path)
    if (found.isFile()) return { path, found }
  } catch (error) {
    throw toUnreadable(file, error)
  }
  throw toUnreadable(file)
}

/** A file that somebody else could change after it was checked is copied. */
function isSafe(found: Stats, { isProgram = false }: BringOptions): boolean {
  const isOurs = process.getuid !== undefined && found.uid === process.getuid()
  const isClosed = (found.mode & 0o022) === 0
  return isOurs && isClosed && (!isProgram || (found.mode & 0o100) !== 0)
}

/** Refused across file systems, and by some. */
async function tryLink(path: string, partPath: string): Promise<boolean> {
  return link(path, partPath).then(
    () => true,
    () => false,
  )
}

async function hashLinked(file: LocalFile, partPath: string, options: BringOptions) {
  const hash = createHash('sha256')
  const report = createByteReporter(options, `checking ${file.name} from ${file.source}`, file.sizeBytes)
  let sizeBytes = 0
  for await (const chunk of read(partPath, options)) {
    hash.update(chunk)
    sizeBytes += chunk.length
    report(sizeBytes)
  }
  return { sha256: hash.digest('hex'), sizeBytes }
}

async function copy(file: LocalFile, options: BringOptions & { path: string; partPath: string }) {
  const { path, partPath } = options
  await assertSpace(dirname(partPath), file.sizeBytes ?? (await stat(path)).size)
  await using part = await PartFile.open(partPath)
  const report = createByteReporter(options, `copying ${file.name} from ${file.source}`, file.sizeBytes)
  for await (const chunk of read(path, options)) {
    await part.append(chunk)
    report(part.size)
  }
  return await part.finish()
}

async function* read(path: string, { signal }: BringOptions): AsyncGenerator<Buffer> {
  yield* createReadStream(path, { signal, highWaterMark: 1024 * 1024 })
}

function toUnreadable({ path }: Pick<LocalFile, 'path'>, cause?: unknown): LmappError {
  const { code = 'it is no file' } = (cause ?? {}) as NodeJS.ErrnoException
  return new LmappError('path-unusable', `${path} cannot be read (${code}).`, {
    hint: 'Look at the folder that the configuration names: lmapp config get sources',
    details: { path },
    cause,
  })
}
