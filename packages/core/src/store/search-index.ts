import { integer, text } from './rows.ts'
import type { Row, Sql } from './sql.ts'
import type { Id } from './store.ts'
import { isCorrupt } from './store-error.ts'

/** Characters of a message that are searched. The rest of a book that was pasted is not. */
export const indexedCharacters = 262_144

const indexes = ['search_words', 'search_trigrams'] as const

/** Brings one message into the indexes that has text which they do not have. False when there is none. */
export function indexNext(sql: Sql): boolean {
  return mending(sql, () => {
    const row = sql.get('SELECT seq, text, indexed FROM messages WHERE index_due = 1 ORDER BY seq LIMIT 1')
    if (!row) return false
    sql.transaction('normal', () => indexMessage(sql, row))
    return true
  })
}

/** Messages only grow, so what was indexed is known by its length. */
function indexMessage(sql: Sql, row: Row): void {
  const seq = integer(row, 'seq')
  const searched = text(row, 'text').slice(0, indexedCharacters)
  forget(sql, row)
  for (const index of indexes) sql.run(`INSERT INTO ${index} (rowid, text) VALUES (?, ?)`, seq, searched)
  sql.run('UPDATE messages SET indexed = ?, index_due = 0 WHERE seq = ?', searched.length, seq)
}

/** Before the messages of a conversation are deleted. */
export function forgetMessages(sql: Sql, conversationId: Id): void {
  const rows = sql.all('SELECT seq, text, indexed FROM messages WHERE conversation_id = ?', conversationId)
  for (const row of rows) forget(sql, row)
}

function forget(sql: Sql, row: Row): void {
  const length = integer(row, 'indexed')
  if (length === 0) return
  const known = text(row, 'text').slice(0, length)
  for (const index of indexes) {
    sql.run(`INSERT INTO ${index} (${index}, rowid, text) VALUES ('delete', ?, ?)`, integer(row, 'seq'), known)
  }
}

/**
 * The index holds nothing of its own: a damaged one is emptied, and filled again from the messages. Around whole
 * transactions: some damage is noticed at the commit.
 */
export function mending<T>(sql: Sql, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (!isCorrupt(error)) throw error
  }
  sql.transaction('normal', () => {
    for (const index of indexes) sql.run(`INSERT INTO ${index} (${index}) VALUES ('delete-all')`)
    sql.run('UPDATE messages SET indexed = 0, index_due = 1')
  })
  return work()
}
