import { constants, copyFile, mkdtemp, open, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { loadSqlite } from '@lmapp/core/store'
import { LmappError } from 'lmapp-kit'
import type { Fields } from './values.ts'

/** Another program's database, read and never written to. */
export interface ForeignDatabase extends AsyncDisposable {
  readonly tables: ReadonlySet<string>
  /** Whether a table has a column; schemas moved over the years. */
  has(table: string, column: string): boolean
  /** Throws `bad-input` for a damaged file. */
  rows(statement: string, ...values: SQLInputValue[]): Iterable<Fields>
}

export const sqliteSignature = 'SQLite format 3\0'

/**
 * Opens it so that nothing of it changes, not even a file beside it, and also while its program runs:
 * - with a live write-ahead log (`-wal` and `-shm` are there) it is read along with the other program;
 * - with a log that nobody has open, or locked, a copy is read, which is removed afterwards;
 * - in write-ahead mode but closed, it is read as immutable, because SQLite would put files beside it;
 * - else read-only.
 */
export async function openForeignDatabase(path: string): Promise<ForeignDatabase> {
  const mode = await findMode(path)
  if (mode === 'copy') return await openCopy(path)
  try {
    return toForeign(openAt(path, mode), path)
  } catch (cause) {
    if (isBusy(cause)) return await openCopy(path)
    throw cause
  }
}

type Mode = 'plain' | 'immutable' | 'copy'

async function findMode(path: string): Promise<Mode> {
  const header = await readHeader(path)
  // The file format's read version: 2 is write-ahead logging.
  const isWal = header[19] === 2
  if (!isWal) return (await sizeOf(`${path}-journal`)) > 0 ? 'copy' : 'plain'
  if ((await sizeOf(`${path}-wal`)) === 0) return 'immutable'
  return (await sizeOf(`${path}-shm`)) > 0 ? 'plain' : 'copy'
}

async function readHeader(path: string): Promise<Buffer> {
  await using file = await open(path)
  const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(100), position: 0 })
  return buffer.subarray(0, bytesRead)
}

async function sizeOf(path: string): Promise<number> {
  return await stat(path).then(
    ({ size }) => size,
    () => 0,
  )
}

function openAt(path: string, mode: Mode): DatabaseSync {
  const { DatabaseSync } = loadSqlite()
  const address = pathToFileURL(path)
  if (mode === 'immutable') address.searchParams.set('immutable', '1')
  return new DatabaseSync(address, { readOnly: true, timeout: 1000 })
}

/** The copy is ours: SQLite may bring it into order with its log. */
async function openCopy(path: string): Promise<ForeignDatabase> {
  const folder = await mkdtemp(join(tmpdir(), 'lmapp-import-'))
  const remove = () => rm(folder, { recursive: true, force: true })
  try {
    const copy = join(folder, basename(path))
    await copyFile(path, copy, constants.COPYFILE_FICLONE)
    for (const end of ['-wal', '-journal']) {
      if ((await sizeOf(`${path}${end}`)) > 0) {
        await copyFile(`${path}${end}`, `${copy}${end}`, constants.COPYFILE_FICLONE)
      }
    }
    const { DatabaseSync } = loadSqlite()
    return toForeign(new DatabaseSync(copy), path, remove)
  } catch (cause) {
    await remove()
    const { code } = cause as NodeJS.ErrnoException
    if (code !== 'ENOSPC') throw cause
    throw new LmappError('disk-full', `${path} is in use and has to be copied first: no room in ${tmpdir()}.`, {
      hint: 'End the program that uses it, then import again',
      cause,
    })
  }
}

function toForeign(database: DatabaseSync, path: string, remove = async () => {}): ForeignDatabase {
  const columns = new Map<string, Set<string>>()
  // Until then a lock means that a copy is to be read.
  let isOpen = false
  const columnsOf = (table: string) => {
    const known = columns.get(table)
    if (known) return known
    const names = new Set(Array.from(rows('SELECT name FROM pragma_table_info(?)', table), ({ name }) => String(name)))
    columns.set(table, names)
    return names
  }
  function* rows(statement: string, ...values: SQLInputValue[]): Generator<Fields> {
    try {
      const prepared = database.prepare(statement)
      // Else an integer beyond 2^53 in any cell is an error.
      prepared.setReadBigInts(true)
      yield* prepared.iterate(...values)
    } catch (cause) {
      throw isBusy(cause) && !isOpen ? cause : toDamaged(path, cause)
    }
  }
  try {
    const tables = new Set(
      Array.from(rows("SELECT name FROM sqlite_schema WHERE type = 'table'"), ({ name }) => `${name}`),
    )
    isOpen = true
    return {
      tables,
      rows,
      has: (table, column) => tables.has(table) && columnsOf(table).has(column),
      async [Symbol.asyncDispose]() {
        database.close()
        await remove()
      },
    }
  } catch (cause) {
    database.close()
    throw cause
  }
}

const [busy, locked, cannotOpen, readOnly] = [5, 6, 14, 8]

/** Locked by another program, or not to be opened where it is. The low byte is the primary result code. */
function isBusy(cause: unknown): boolean {
  const code = codeOf(cause)
  return code !== undefined && [busy, locked, cannotOpen, readOnly].includes(code & 0xff)
}

function codeOf(cause: unknown): number | undefined {
  const code = cause instanceof Error && 'errcode' in cause ? cause.errcode : undefined
  return typeof code === 'number' ? code : undefined
}

function toDamaged(path: string, cause: unknown): Error {
  if (codeOf(cause) === undefined) return cause instanceof Error ? cause : new Error(String(cause))
  if (isBusy(cause)) {
    return new LmappError('bad-input', `${path} is locked by the program that it belongs to.`, {
      hint: 'End that program, then import again',
      cause,
    })
  }
  return new LmappError('bad-input', `${path} is a damaged SQLite database: ${(cause as Error).message}.`, {
    hint: 'See what can be saved of it: sqlite3 FILE .recover',
    cause,
  })
}
