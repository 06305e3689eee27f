import { LmappError } from 'lmapp-kit'
import { findConversation } from './find-conversation.ts'
import { readPath } from './messages.ts'
import { integer, text, textOrNull } from './rows.ts'
import { forgetMessages, mending } from './search-index.ts'
import type { Row, Sql } from './sql.ts'
import type { Conversation, ConversationSummary, Id, Owner } from './store.ts'

export interface ConversationFilter {
  owner: Owner
  limit?: number
  before?: Id
}

/** A conversation with the length of its path. */
const summaries =
  'SELECT conversations.*, coalesce(messages.depth, 0) AS message_count FROM conversations LEFT JOIN messages ON messages.id = head'

export function listConversations(sql: Sql, { owner, limit, before }: ConversationFilter): ConversationSummary[] {
  const mark =
    before === undefined ? Number.MAX_SAFE_INTEGER : integer(requireConversation(sql, before, owner), 'touched')
  return sql
    .all(`${summaries} WHERE owner = ? AND touched < ? ORDER BY touched DESC LIMIT ?`, owner, mark, limit ?? -1)
    .map(toSummary)
}

export function getConversation(sql: Sql, id: string, owner: Owner): Conversation {
  const found = findConversation(sql, id, owner)
  const row = sql.get(`${summaries} WHERE conversations.id = ?`, found.conversationId)
  if (!row) throw notFound(id)
  const summary = toSummary(row)
  const head = found.messageId ?? summary.head
  const messages = readPath(sql, head)
  return { ...summary, head, messageCount: messages.length, system: textOrNull(row, 'system'), messages }
}

function toSummary(row: Row): ConversationSummary {
  return {
    id: text(row, 'id'),
    title: text(row, 'title'),
    model: textOrNull(row, 'model'),
    head: textOrNull(row, 'head'),
    createdAt: text(row, 'created_at'),
    updatedAt: text(row, 'updated_at'),
    messageCount: integer(row, 'message_count'),
  }
}

export function renameConversation(sql: Sql, id: Id, title: string, owner: Owner): void {
  change(sql, id, owner, () => sql.run('UPDATE conversations SET title = ? WHERE id = ?', title, id))
}

export function setSystem(sql: Sql, id: Id, system: string | null, owner: Owner): void {
  change(sql, id, owner, () => sql.run('UPDATE conversations SET system = ? WHERE id = ?', system, id))
}

export function setHead(sql: Sql, id: Id, head: Id | null, owner: Owner): void {
  change(sql, id, owner, () => {
    if (head !== null) requireMessage(sql, head, id)
    sql.run('UPDATE conversations SET head = ? WHERE id = ?', head, id)
  })
}

export function deleteConversation(sql: Sql, id: Id, owner: Owner): void {
  mending(sql, () =>
    change(sql, id, owner, () => {
      forgetMessages(sql, id)
      sql.run('DELETE FROM conversations WHERE id = ?', id)
    }),
  )
  // the words are in the write-ahead log too
  sql.exec('PRAGMA wal_checkpoint(TRUNCATE)')
}

function change(sql: Sql, id: Id, owner: Owner, work: () => void): void {
  sql.transaction('durable', () => {
    requireConversation(sql, id, owner)
    work()
  })
}

export function noteTerminal(sql: Sql, terminal: string, conversationId: Id, owner: Owner): void {
  sql.transaction('normal', () => {
    requireConversation(sql, conversationId, owner)
    sql.run(
      'INSERT OR REPLACE INTO terminals (owner, terminal, conversation_id) VALUES (?, ?, ?)',
      owner,
      terminal,
      conversationId,
    )
  })
}

export function lastConversation(sql: Sql, terminal: string, owner: Owner): Id | null {
  const row = sql.get('SELECT conversation_id FROM terminals WHERE owner = ? AND terminal = ?', owner, terminal)
  return row ? text(row, 'conversation_id') : null
}

export function requireConversation(sql: Sql, id: Id, owner: Owner): Row {
  const row = sql.get('SELECT * FROM conversations WHERE id = ? AND owner = ?', id, owner)
  if (!row) throw notFound(id)
  return row
}

/** A message; of that conversation, when one is named. */
export function requireMessage(sql: Sql, id: Id, conversationId?: Id): Row {
  const row = sql.get('SELECT * FROM messages WHERE id = ?', id)
  if (!row || (conversationId !== undefined && text(row, 'conversation_id') !== conversationId)) {
    throw new LmappError('not-found', `No message of this conversation has the id ${id}.`, { details: { id } })
  }
  return row
}

function notFound(id: string): LmappError {
  return new LmappError('not-found', `No conversation or message has the id ${id}.`, { details: { id } })
}
