import { readdirSync, rmSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { LmappError } from 'lmapp-kit'
import { isNeeded } from './delete-conversations.ts'
import type { Room } from './room.ts'
import type { VacuumResult } from './store.ts'

export function vacuum(room: Room): VacuumResult {
  const { sql, attachments, scrubber } = room
  if (sql.get("SELECT 1 FROM runs WHERE state = 'running' LIMIT 1")) {
    throw new LmappError('busy', 'An answer is being written: the history cannot be rewritten now.', {
      hint: 'Wait for its end, then again: lmapp history vacuum',
    })
  }
  const before = sizeOf(room) + sizeOfFiles(copiesOf(room.path))
  for (const sha256 of attachments.list()) if (!isNeeded(sql, sha256)) attachments.remove(sha256)
  scrubber.all()
  sql.exec('VACUUM')
  sql.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  for (const copy of copiesOf(room.path)) rmSync(copy, { force: true })
  const sizeBytes = sizeOf(room)
  return { freedBytes: Math.max(0, before - sizeBytes), sizeBytes, damaged: damagedOf(room.path) }
}

function sizeOf({ path, attachments }: Room): number {
  return sizeOfFiles([path, `${path}-wal`, `${path}-shm`]) + attachments.sizeBytes()
}

function sizeOfFiles(paths: readonly string[]): number {
  return paths.reduce((sum, path) => sum + (statSync(path, { throwIfNoEntry: false })?.size ?? 0), 0)
}

/** What `migrate` made, whole or not: they hold what was deleted since. */
function copiesOf(path: string): string[] {
  return besides(path).filter((file) => /^\.v\d+-copy(\.part)?$/.test(file.slice(path.length)))
}

function damagedOf(path: string): string[] {
  return besides(path).filter((file) => /^\.corrupt-[\dTZ]+(-\d+)?$/.test(file.slice(path.length)))
}

function besides(path: string): string[] {
  const names = readdirSync(dirname(path)).filter((name) => name.startsWith(`${basename(path)}.`))
  return names.sort().map((name) => join(dirname(path), name))
}
