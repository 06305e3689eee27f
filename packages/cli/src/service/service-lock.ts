import { closeSync, openSync } from 'node:fs'
import { loadSqlite } from '@lmapp/core/store'

/**
 * The election: who holds an exclusive transaction on the lock file is the service of this home.
 * SQLite's file locks end with the process that holds them, whichever way it ends, on every system.
 */
export interface ServiceLock extends Disposable {}

/** Undefined when another process holds it. */
export function tryServiceLock(file: string): ServiceLock | undefined {
  const { DatabaseSync } = loadSqlite()
  closeSync(openSync(file, 'a', 0o600))
  const database = new DatabaseSync(file)
  try {
    database.exec('PRAGMA busy_timeout = 0; PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    if (isBusy(error)) return undefined
    throw error
  }
  return { [Symbol.dispose]: () => database.close() }
}

const sqliteBusy = 5
const sqliteLocked = 6

function isBusy(error: unknown): boolean {
  const code = (error as { errcode?: unknown }).errcode
  return typeof code === 'number' && [sqliteBusy, sqliteLocked].includes(code & 0xff)
}
