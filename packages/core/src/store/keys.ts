import { LmappError } from 'lmapp-kit'
import { json, text, textOrNull, toJson } from './rows.ts'
import type { Row, Sql } from './sql.ts'
import type { Id, NewKey, StoredKey } from './store.ts'

export function addKey(sql: Sql, key: NewKey): void {
  sql.transaction('durable', () => {
    if (sql.get('SELECT 1 FROM keys WHERE name = ? AND revoked_at IS NULL', key.name)) throw taken(key.name)
    sql.run(
      'INSERT INTO keys (id, name, sha256, beginning, scopes, created_at) VALUES (?, ?, ?, ?, ?, ?)',
      key.id,
      key.name,
      key.sha256,
      key.beginning,
      toJson(key.scopes),
      key.createdAt,
    )
  })
}

export function listKeys(sql: Sql): StoredKey[] {
  return sql.all('SELECT * FROM keys ORDER BY seq').map(toKey)
}

export function revokeKey(sql: Sql, id: Id, revokedAt: string): StoredKey {
  return sql.transaction('durable', () => {
    sql.run('UPDATE keys SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL', revokedAt, id)
    const row = sql.get('SELECT * FROM keys WHERE id = ?', id)
    if (row) return toKey(row)
    throw new LmappError('not-found', `No key has the id ${id}.`, { hint: 'See: lmapp keys list', details: { id } })
  })
}

export function noteKeyUse(sql: Sql, id: Id, usedAt: string): void {
  sql.transaction('normal', () => {
    sql.run('UPDATE keys SET last_used_at = ? WHERE id = ?', usedAt, id)
  })
}

function taken(name: string): LmappError {
  return new LmappError('bad-input', `There is a key called "${name}" already.`, {
    hint: `Choose another name, or revoke that one first: lmapp keys revoke ${name}`,
    details: { name },
  })
}

function toKey(row: Row): StoredKey {
  return {
    id: text(row, 'id'),
    name: text(row, 'name'),
    sha256: text(row, 'sha256'),
    beginning: text(row, 'beginning'),
    scopes: json<string[]>(row, 'scopes'),
    createdAt: text(row, 'created_at'),
    lastUsedAt: textOrNull(row, 'last_used_at'),
    revokedAt: textOrNull(row, 'revoked_at'),
  }
}
