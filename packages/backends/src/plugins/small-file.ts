import { readFile, stat } from 'node:fs/promises'
import { LmappError } from 'lmapp-kit'

const mostBytes = 1024 * 1024

/**
 * A manifest or a record; undefined where there is none. What is no file, such as a pipe, is never opened.
 * Throws `config-invalid` for what is no file, is too large or cannot be read.
 */
export async function readSmallFile(file: string): Promise<{ text: string; stamp: string } | undefined> {
  try {
    const found = await stat(file, { bigint: true })
    if (!found.isFile()) throw unreadable(file, 'it is no file')
    if (found.size > mostBytes) throw unreadable(file, 'it is larger than 1 MiB')
    return { text: await readFile(file, 'utf8'), stamp: toStamp(found) }
  } catch (error) {
    if (error instanceof LmappError) throw error
    if (isMissing(error)) return undefined
    throw unreadable(file, (error as NodeJS.ErrnoException).code ?? 'unknown', error)
  }
}

/** Empty where there is no file. */
export async function stampOfFile(file: string): Promise<string> {
  const found = await stat(file, { bigint: true }).catch(() => undefined)
  return found ? toStamp(found) : ''
}

export function isMissing(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'ENOENT' || code === 'ENOTDIR'
}

function toStamp({ ino, size, mtimeNs }: { ino: bigint; size: bigint; mtimeNs: bigint }): string {
  return `${ino}:${size}:${mtimeNs}`
}

function unreadable(file: string, why: string, cause?: unknown): LmappError {
  return new LmappError('config-invalid', `${file} cannot be read: ${why}.`, { details: { file }, cause })
}
