import { mkdir, open, statfs } from 'node:fs/promises'
import { LmappError } from 'lmapp-kit'

/** Left free, in bytes, so that the rest of the machine goes on. */
const margin = 16 * 1024 * 1024

/** Throws `disk-full`, with the numbers, when the disk below `folder` has no room for so many bytes. */
export async function assertSpace(folder: string, neededBytes: number): Promise<void> {
  const freeBytes = await freeBytesOf(folder)
  if (freeBytes >= neededBytes + margin) return
  throw new LmappError(
    'disk-full',
    `${toMegabytes(neededBytes + margin)} MB are needed below ${folder}, and ${toMegabytes(freeBytes)} MB are free.`,
    { details: { path: folder, neededBytes, freeBytes } },
  )
}

/** Only for its owner to read. Throws `path-unusable` or `disk-full` when it cannot be made. */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 })
  } catch (error) {
    const full = toDiskError(error, path)
    if (full instanceof LmappError) throw full
    const { code } = error as NodeJS.ErrnoException
    throw new LmappError('path-unusable', `The folder ${path} cannot be made (${code}).`, {
      details: { path },
      cause: error,
    })
  }
}

/** `disk-full` where that is what the system says; other errors as they are. */
export function toDiskError(error: unknown, path: string): unknown {
  const { code } = error as NodeJS.ErrnoException
  if (code === undefined || !fullCodes.has(code)) return error
  return new LmappError('disk-full', `The disk is full: ${path} could not be written.`, {
    details: { path },
    cause: error,
  })
}

/** Makes a rename survive a loss of power, where the system can. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  await using handle = await open(folder)
  await handle.sync()
}

/** No space, quota used up, and larger than the file system allows. */
const fullCodes: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])

async function freeBytesOf(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize
}

const toMegabytes = (bytes: number): string => Math.floor(bytes / 1_000_000).toLocaleString('en')
