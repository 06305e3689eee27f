import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { copyFile, readdir, readFile, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, it } from 'node:test'
import { isLmappError } from 'lmapp-kit'
import { openForeignDatabase } from './sqlite.ts'
import { openFolder } from './testing/files.ts'

async function makeDatabase(folder: string, mode: 'wal' | 'delete'): Promise<{ path: string; database: DatabaseSync }> {
  const path = join(folder, 'their ?#data.db')
  const database = new DatabaseSync(path)
  database.exec(`PRAGMA journal_mode = ${mode}; CREATE TABLE t (x); INSERT INTO t VALUES ('one')`)
  return { path, database }
}

async function fingerprint(folder: string): Promise<string[]> {
  const names = (await readdir(folder)).toSorted()
  const hash = async (name: string) =>
    createHash('sha256')
      .update(await readFile(join(folder, name)))
      .digest('hex')
  // What locks are held is in -shm, also of readers.
  return await Promise.all(names.map(async (name) => `${name} ${name.endsWith('-shm') ? '' : await hash(name)}`))
}

async function readAll(path: string): Promise<unknown[]> {
  await using database = await openForeignDatabase(path)
  return Array.from(database.rows('SELECT x FROM t'), ({ x }) => x)
}

/** Runs with a folder of its own for temporary files, and asserts that nothing stays in it. */
async function leavingNothing(work: () => Promise<void>): Promise<void> {
  await using folder = await openFolder()
  const before = process.env.TMPDIR
  process.env.TMPDIR = folder.path
  try {
    await work()
    assert.deepEqual(await readdir(folder.path), [])
  } finally {
    if (before === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = before
  }
}

describe('the database of another program', () => {
  it('is read and nothing beside it changes, in each journal mode, closed', async () => {
    for (const mode of ['wal', 'delete'] as const) {
      await using folder = await openFolder()
      const { path, database } = await makeDatabase(folder.path, mode)
      database.close()
      const before = await fingerprint(folder.path)
      assert.deepEqual(await readAll(path), ['one'])
      assert.deepEqual(await fingerprint(folder.path), before)
    }
  })

  it('is read while its program has it open, with what is only in its log yet', async () => {
    for (const mode of ['wal', 'delete'] as const) {
      await using folder = await openFolder()
      const { path, database } = await makeDatabase(folder.path, mode)
      const before = await fingerprint(folder.path)
      assert.deepEqual(await readAll(path), ['one'])
      assert.deepEqual(await fingerprint(folder.path), before)
      database.close()
    }
  })

  it('is read from a copy while it is locked, as it was before the change that is under way; the copy is removed', async () => {
    await using folder = await openFolder()
    const { path, database } = await makeDatabase(folder.path, 'delete')
    database.exec("BEGIN EXCLUSIVE; INSERT INTO t VALUES ('two')")
    await leavingNothing(async () => assert.deepEqual(await readAll(path), ['one']))
    database.exec('COMMIT')
    database.close()
    assert.deepEqual(await readAll(path), ['one', 'two'])
  })

  it('whose program holds a lock without a journal is read from a copy', async () => {
    await using folder = await openFolder()
    const { path, database } = await makeDatabase(folder.path, 'delete')
    database.exec('BEGIN EXCLUSIVE')
    assert.deepEqual(await readAll(path), ['one'])
    database.exec('COMMIT')
    database.close()
  })

  it('copied along with its log by somebody is read from a copy with that log', async () => {
    await using folder = await openFolder()
    await using other = await openFolder()
    const { path, database } = await makeDatabase(folder.path, 'wal')
    const copy = join(other.path, 'copy.db')
    await copyFile(path, copy)
    await copyFile(`${path}-wal`, `${copy}-wal`)
    database.close()
    const before = await fingerprint(other.path)
    assert.deepEqual(await readAll(copy), ['one'])
    assert.deepEqual(await fingerprint(other.path), before)
  })

  it('that is damaged is refused, at once or where the damage is', async () => {
    await using folder = await openFolder()
    const { path, database } = await makeDatabase(folder.path, 'delete')
    database.exec(
      `INSERT INTO t SELECT hex(randomblob(2000)) FROM generate_series(1, 100)`.replace(
        'generate_series(1, 100)',
        '(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) SELECT i FROM n)',
      ),
    )
    database.close()
    await truncate(path, 40960)
    await assert.rejects(readAll(path), (error) => isLmappError(error, 'bad-input'))
    const garbage = await folder.write('garbage.db', `SQLite format 3\0${'x'.repeat(5000)}`)
    await leavingNothing(() => assert.rejects(readAll(garbage), (error) => isLmappError(error, 'bad-input')))
  })

  it('that is locked while it is being read is refused', async () => {
    await using folder = await openFolder()
    const { path, database } = await makeDatabase(folder.path, 'delete')
    await using foreign = await openForeignDatabase(path)
    database.exec('BEGIN EXCLUSIVE')
    assert.throws(
      () => [...foreign.rows('SELECT x FROM t')],
      (error) => isLmappError(error, 'bad-input'),
    )
    database.exec('COMMIT')
    database.close()
  })

  it('says which tables and columns it has, and refuses a wrong statement', async () => {
    await using folder = await openFolder()
    const { path, database } = await makeDatabase(folder.path, 'delete')
    database.close()
    await using foreign = await openForeignDatabase(path)
    assert.deepEqual([foreign.has('t', 'x'), foreign.has('t', 'y'), foreign.has('u', 'x')], [true, false, false])
    assert.throws(
      () => [...foreign.rows('SELECT nothing')],
      (error) => isLmappError(error, 'bad-input'),
    )
  })
})
