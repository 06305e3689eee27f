import { statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import { LmappError } from 'lmapp-kit'

/** Primary result codes of SQLite. */
const ioError = 10
const corrupt = 11
const full = 13
const notADatabase = 26

/** Less than this many bytes free: a write that failed for another reason failed for this one. */
const tightBytes = 1024 * 1024

/** What SQLite and the file system throw, as an error of the table. Anything else is a bug and stays as it is. */
export function toStoreError(error: unknown, path: string): unknown {
  if (error instanceof LmappError) return error
  const sqlite = sqliteCode(error)
  const system = systemCode(error)
  if (sqlite === undefined && system === undefined) return error
  const cause = error
  const details = { path, ...(sqlite === undefined ? { code: system } : { sqlite }) }
  if (isFull(error) || (sqlite !== undefined && primary(sqlite) === ioError && freeBytes(path) < tightBytes)) {
    return new LmappError('disk-full', 'The disk is full: the history could not be written.', { details, cause })
  }
  if (isCorrupt(error)) return new LmappError('store-corrupt', 'The history file is damaged.', { details, cause })
  const why = error instanceof Error ? error.message : String(error)
  return new LmappError('store-failed', `The history could not be written or read: ${why}`, { details, cause })
}

export function isCorrupt(error: unknown): boolean {
  const code = sqliteCode(error)
  return code !== undefined && (primary(code) === corrupt || primary(code) === notADatabase)
}

export function isFull(error: unknown): boolean {
  const sqlite = sqliteCode(error)
  const system = systemCode(error)
  return (sqlite !== undefined && primary(sqlite) === full) || system === 'ENOSPC' || system === 'EDQUOT'
}

function freeBytes(path: string): number {
  try {
    const { bavail, bsize } = statfsSync(dirname(path))
    return bavail * bsize
  } catch {
    return Number.POSITIVE_INFINITY
  }
}

function primary(code: number): number {
  return code & 0xff
}

function sqliteCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error)) return undefined
  return typeof error.errcode === 'number' ? error.errcode : undefined
}

function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('syscall' in error) || !('code' in error)) return undefined
  return String(error.code)
}
