import { integer, text } from './rows.ts'
import type { Row, Sql } from './sql.ts'
import type { Id } from './store.ts'
import { isCorrupt } from './store-error.ts'

/** Characters of a message that are searched. The rest of a book that was pasted is not. */
export const indexedCharacters = 262_144

const ofMessages = ['search_words', 'search_trigrams'] as const
const ofTitles = ['search_title_words', 'search_title_trigrams'] as const
export const allIndexes = [...ofMessages, ...ofTitles] as const

/** So many messages at most, or so many characters, are indexed in one go. */
const batchRows = 512
const batchCharacters = 50_000
/** So many are read at a time: each may be a book. */
const rowsAtOnce = 16

/** Brings some of what is due into the indexes: titles and messages. False when nothing was due. */
export function indexSome(sql: Sql): boolean {
  return mending(sql, () => {
    const titles = sql.all(`SELECT seq, title FROM conversations WHERE title_indexed = 0 LIMIT ${batchRows}`)
    if (titles.length === 0 && dueMessages(sql).length === 0) return false
    sql.transaction('normal', () => {
      for (const title of titles) indexTitle(sql, title)
      indexSomeMessages(sql)
    })
    return true
  })
}

function indexSomeMessages(sql: Sql): void {
  let rows = 0
  let characters = 0
  for (let due = dueMessages(sql); due.length > 0; due = dueMessages(sql)) {
    for (const message of due) {
      if (rows >= batchRows || characters > batchCharacters) return
      indexMessage(sql, message)
      rows += 1
      characters += text(message, 'text').length
    }
  }
}

function dueMessages(sql: Sql): Row[] {
  return sql.all(`SELECT seq, text, indexed FROM messages WHERE index_due = 1 ORDER BY seq LIMIT ${rowsAtOnce}`)
}

/** All messages of a conversation that are due, within a transaction. */
export function indexConversation(sql: Sql, conversationId: Id): void {
  const rows = sql.all(
    'SELECT seq, text, indexed FROM messages WHERE conversation_id = ? AND index_due = 1 ORDER BY seq',
    conversationId,
  )
  for (const row of rows) indexMessage(sql, row)
}

/** Messages only grow, so what was indexed is known by its length. */
function indexMessage(sql: Sql, row: Row): void {
  const seq = integer(row, 'seq')
  const searched = text(row, 'text').slice(0, indexedCharacters)
  forgetMessage(sql, row)
  for (const index of ofMessages) sql.run(`INSERT INTO ${index} (rowid, text) VALUES (?, ?)`, seq, searched)
  sql.run('UPDATE messages SET indexed = ?, index_due = 0 WHERE seq = ?', searched.length, seq)
}

function indexTitle(sql: Sql, row: Row): void {
  const seq = integer(row, 'seq')
  for (const index of ofTitles) sql.run(`INSERT INTO ${index} (rowid, text) VALUES (?, ?)`, seq, text(row, 'title'))
  sql.run('UPDATE conversations SET title_indexed = 1 WHERE seq = ?', seq)
}

/** Before a conversation is deleted. */
export function forgetConversation(sql: Sql, conversation: Row): void {
  forgetTitle(sql, conversation)
  const rows = sql.all('SELECT seq, text, indexed FROM messages WHERE conversation_id = ?', text(conversation, 'id'))
  for (const row of rows) forgetMessage(sql, row)
}

/** Before the title of a conversation changes: the new one is due. */
export function forgetTitle(sql: Sql, conversation: Row): void {
  if (integer(conversation, 'title_indexed') === 0) return
  const seq = integer(conversation, 'seq')
  for (const index of ofTitles) forget(sql, index, seq, text(conversation, 'title'))
  sql.run('UPDATE conversations SET title_indexed = 0 WHERE seq = ?', seq)
}

function forgetMessage(sql: Sql, row: Row): void {
  const length = integer(row, 'indexed')
  if (length === 0) return
  for (const index of ofMessages) forget(sql, index, integer(row, 'seq'), text(row, 'text').slice(0, length))
}

function forget(sql: Sql, index: string, seq: number, known: string): void {
  sql.run(`INSERT INTO ${index} (${index}, rowid, text) VALUES ('delete', ?, ?)`, seq, known)
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
    for (const index of allIndexes) sql.run(`INSERT INTO ${index} (${index}) VALUES ('delete-all')`)
    sql.run('UPDATE messages SET indexed = 0, index_due = 1')
    sql.run('UPDATE conversations SET title_indexed = 0')
  })
  return work()
}
