import { createHash, randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { open, realpath, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { LmappError } from '../errors/lmapp-error.ts'
import type { FileValue } from './messages.ts'

/** What a receiver reads into memory at most. */
const maxBytes = 1024 * 1024 * 1024

/** Writes a new file, readable by its owner only. */
export async function writeFileValue(directory: string, content: Uint8Array): Promise<FileValue> {
  const file = join(directory, randomUUID())
  await writeFile(file, content, { mode: 0o600, flag: 'wx' })
  return { file, bytes: content.byteLength, sha256: sha256(content) }
}

/** Throws `protocol-violation` when it is not directly in `directory`, no plain file, or not what it says it is. */
export async function readFileValue(directory: string, value: FileValue): Promise<Buffer> {
  const path = await locate(directory, value.file)
  if (path === undefined) throw violation('lies outside of the directory for exchange', value)
  const content = await readExactly(path, value)
  if (sha256(content) !== value.sha256) throw violation('has another checksum than it says', value)
  return content
}

/** Idempotent. A path outside of `directory` is left alone. */
export async function removeFileValue(directory: string, value: FileValue): Promise<void> {
  const path = await locate(directory, value.file)
  if (path !== undefined) await rm(path, { force: true })
}

async function locate(directory: string, file: string): Promise<string | undefined> {
  const path = resolve(directory, file)
  const [parent, home] = await Promise.all([realpath(dirname(path)).catch(() => undefined), realpath(directory)])
  return parent === home ? join(home, basename(path)) : undefined
}

async function readExactly(path: string, value: FileValue): Promise<Buffer> {
  // Absent on Windows, where making a link needs rights that a plugin does not have.
  const noFollow = constants.O_NOFOLLOW ?? 0
  await using handle = await open(path, constants.O_RDONLY | noFollow).catch((cause: unknown) => {
    throw violation('cannot be read', value, cause)
  })
  const stats = await handle.stat()
  if (!stats.isFile()) throw violation('is no plain file', value)
  if (stats.size !== value.bytes || value.bytes > maxBytes) throw violation('has another size than it says', value)
  return await handle.readFile()
}

function sha256(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex')
}

function violation(what: string, value: FileValue, cause?: unknown): LmappError {
  return new LmappError('protocol-violation', `The file of a large value ${what}.`, { details: { ...value }, cause })
}
