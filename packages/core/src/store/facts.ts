import { text } from './rows.ts'
import type { Sql } from './sql.ts'

export function getFact(sql: Sql, key: string): string | null {
  const row = sql.get('SELECT value FROM facts WHERE key = ?', key)
  return row ? text(row, 'value') : null
}

export function setFact(sql: Sql, key: string, value: string): void {
  sql.transaction('normal', () => {
    sql.run('INSERT OR REPLACE INTO facts (key, value) VALUES (?, ?)', key, value)
  })
}
