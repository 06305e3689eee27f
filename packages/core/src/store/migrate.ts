import { chmodSync, closeSync, openSync, renameSync, rmSync } from 'node:fs'
import { LmappError } from 'lmapp-kit'
import { migrations as allMigrations, type Migration } from './migrations/index.ts'
import type { Sql } from './sql.ts'

/** Brings the database to the newest version. What an older lmapp wrote is copied to `<path>.v<N>-copy` before. */
export function migrate(sql: Sql, path: string, migrations: readonly Migration[] = allMigrations): void {
  const from = schemaVersion(sql)
  assertNotNewer(from, path, migrations)
  const due = migrations.filter((migration) => migration.version > from)
  if (due.length > 0 && from > 0) copyTo(sql, `${path}.v${from}-copy`)
  for (const migration of due) {
    sql.transaction('durable', () => {
      sql.exec(migration.sql)
      sql.exec(`PRAGMA user_version = ${migration.version}`)
    })
  }
}

export function assertNotNewer(version: number, path: string, migrations: readonly Migration[] = allMigrations): void {
  const newest = migrations.at(-1)?.version ?? 0
  if (version <= newest) return
  throw new LmappError('store-newer', 'The history was written by a newer lmapp.', {
    details: { path, version, newest },
  })
}

function schemaVersion(sql: Sql): number {
  return Number(sql.get('PRAGMA user_version')?.user_version)
}

/** Written aside and renamed, so that a copy is whole or not there. */
function copyTo(sql: Sql, target: string): void {
  const aside = `${target}.part`
  rmSync(aside, { force: true })
  closeSync(openSync(aside, 'wx', 0o600))
  chmodSync(aside, 0o600)
  sql.run('VACUUM INTO ?', aside)
  renameSync(aside, target)
}
