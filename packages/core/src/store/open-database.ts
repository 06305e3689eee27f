import { chmodSync, closeSync, existsSync, mkdirSync, openSync, readSync, renameSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { LmappError } from 'lmapp-kit'
import { loadSqlite } from './load-sqlite.ts'
import { assertNotNewer, migrate } from './migrate.ts'
import { text } from './rows.ts'
import { createSql, type Sql } from './sql.ts'
import { isCorrupt } from './store-error.ts'

export interface DatabaseOptions {
  path: string
  /** For the name of what is set aside. */
  now: Date
  /** Upper bound of the file in pages of 4 KiB. */
  maxPages?: number
}

export interface OpenedDatabase {
  sql: Sql
  /** Where a damaged file was put. */
  setAside?: string
}

/** How long another program that reads the file may hold a lock. */
const busyTimeoutMs = 2_000

/** Opens or makes the database, at the newest version. A damaged one is set aside, a newer one is refused and not touched. */
export function openDatabase(options: DatabaseOptions): OpenedDatabase {
  makeFolder(dirname(options.path))
  refuseNewer(options.path)
  try {
    return { sql: connect(options) }
  } catch (error) {
    if (!isCorrupt(error)) throw error
  }
  const setAside = putAside(options.path, options.now)
  return { sql: connect(options), setAside }
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  } catch (cause) {
    throw new LmappError('path-unusable', `The folder of the history cannot be made: ${folder}`, {
      details: { path: folder },
      cause,
    })
  }
}

/** Without opening it, where that is possible: opening leaves traces. */
function refuseNewer(path: string): void {
  if (!existsSync(path)) return
  assertNotNewer(existsSync(`${path}-wal`) ? versionThroughJournal(path) : versionInHeader(path), path)
}

/** What was committed last may be in the `-wal` file only. */
function versionThroughJournal(path: string): number {
  const { DatabaseSync } = loadSqlite()
  try {
    using database = new DatabaseSync(path, { readOnly: true, timeout: busyTimeoutMs })
    return Number(database.prepare('PRAGMA user_version').get()?.user_version)
  } catch (error) {
    if (isCorrupt(error)) return 0
    throw error
  }
}

/** Big-endian at byte 60, by SQLite's file format. */
function versionInHeader(path: string): number {
  const header = Buffer.alloc(64)
  const file = openSync(path, 'r')
  try {
    readSync(file, header, 0, header.length, 0)
  } finally {
    closeSync(file)
  }
  return header.toString('latin1', 0, 15) === 'SQLite format 3' ? header.readUInt32BE(60) : 0
}

function connect({ path, maxPages }: DatabaseOptions): Sql {
  makePrivate(path)
  const { DatabaseSync } = loadSqlite()
  const sql = createSql(new DatabaseSync(path, { timeout: busyTimeoutMs, enableForeignKeyConstraints: true }))
  try {
    sql.exec('PRAGMA journal_mode = WAL')
    // checkpoints are done when nobody waits
    sql.exec('PRAGMA wal_autocheckpoint = 0')
    sql.exec('PRAGMA secure_delete = ON')
    sql.exec('PRAGMA temp_store = MEMORY')
    if (maxPages !== undefined) sql.exec(`PRAGMA max_page_count = ${maxPages}`)
    assertSound(sql)
    migrate(sql, path)
    return sql
  } catch (error) {
    sql.close()
    throw error
  }
}

/** SQLite gives its other files the mode of this one. */
function makePrivate(path: string): void {
  closeSync(openSync(path, 'a', 0o600))
  if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600)
}

/** The search index is left out: it can be made anew, and takes a hundred times as long. */
function assertSound(sql: Sql): void {
  const tables = sql.all("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'search_%'")
  for (const table of tables) {
    const problem = sql.get(`PRAGMA quick_check('${text(table, 'name')}')`)
    if (problem && text(problem, 'quick_check') !== 'ok') {
      throw Object.assign(new Error(text(problem, 'quick_check')), { errcode: 11 })
    }
  }
}

function putAside(path: string, now: Date): string {
  const date = now.toISOString().replaceAll(/[-:]|\.\d+/g, '')
  let aside = `${path}.corrupt-${date}`
  for (let number = 2; existsSync(aside); number += 1) aside = `${path}.corrupt-${date}-${number}`
  for (const suffix of ['', '-wal', '-shm']) {
    if (existsSync(path + suffix)) renameSync(path + suffix, aside + suffix)
  }
  return aside
}
