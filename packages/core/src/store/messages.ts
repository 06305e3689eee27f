import { type Content, toText } from 'lmapp-kit'
import { noteAttachments, type StoredPart } from './attached-parts.ts'
import { joinParts } from './fold.ts'
import { integer, json, jsonOrNull, text, textOrNull, toJson } from './rows.ts'
import type { Row, Sql } from './sql.ts'
import type { Id, StoredMessage } from './store.ts'

/** A message whose images are still in their files. */
export interface DetachedMessage extends Omit<StoredMessage, 'parts'> {
  parts: StoredPart[]
}

/** The messages from the root to `last`. An answer that is being written has what was journalled so far. */
export function readPath(sql: Sql, last: Id | null): DetachedMessage[] {
  const rows = sql.all(
    `WITH RECURSIVE path (id, parent_id) AS (
       SELECT id, parent_id FROM messages WHERE id = ?
       UNION ALL SELECT above.id, above.parent_id FROM messages above JOIN path ON above.id = path.parent_id
     )
     SELECT messages.* FROM path JOIN messages ON messages.id = path.id ORDER BY depth`,
    last,
  )
  return rows.map((row) => readMessage(sql, row))
}

/** All messages of a conversation, parents before their children, siblings in the order in which they came. */
export function readTree(sql: Sql, conversationId: Id): DetachedMessage[] {
  return sql
    .all('SELECT * FROM messages WHERE conversation_id = ? ORDER BY depth, seq', conversationId)
    .map((row) => readMessage(sql, row))
}

/** The newest ones right below a message, the last one first. */
export function readReplies(sql: Sql, parentId: Id, limit: number): DetachedMessage[] {
  return sql
    .all('SELECT * FROM messages WHERE parent_id = ? ORDER BY seq DESC LIMIT ?', parentId, limit)
    .map((row) => readMessage(sql, row))
}

function readMessage(sql: Sql, row: Row): DetachedMessage {
  const message = toMessage(row)
  return message.state === 'running' ? { ...message, ...withJournal(message, journalOf(sql, message.id)) } : message
}

export interface Written {
  text: string
  parts: StoredPart[]
}

/** The message with what its running run has brought; what was there before stays as it is. */
export function withJournal(message: Written, journal: readonly Content[]): Written {
  return { text: message.text + toText(journal), parts: joinParts(message.parts, journal) }
}

/** What the running run of a message has brought, in order. */
function journalOf(sql: Sql, messageId: Id): Content[] {
  const rows = sql.all(
    `SELECT parts FROM journal JOIN runs ON runs.id = journal.run_id
     WHERE runs.message_id = ? AND runs.state = 'running' ORDER BY from_seq`,
    messageId,
  )
  return rows.flatMap((row) => json<Content[]>(row, 'parts'))
}

function toMessage(row: Row): DetachedMessage {
  return {
    id: text(row, 'id'),
    parentId: textOrNull(row, 'parent_id'),
    role: text(row, 'role') as StoredMessage['role'],
    text: text(row, 'text'),
    parts: json(row, 'parts'),
    state: text(row, 'state') as StoredMessage['state'],
    model: textOrNull(row, 'model'),
    reason: textOrNull(row, 'reason') as StoredMessage['reason'],
    error: jsonOrNull(row, 'error'),
    usage: jsonOrNull(row, 'usage'),
    timings: jsonOrNull(row, 'timings'),
    createdAt: text(row, 'created_at'),
  }
}

/** What only an answer has may be left out. */
export interface NewMessage extends Pick<DetachedMessage, 'id' | 'parentId' | 'role' | 'text' | 'parts' | 'state'> {
  conversationId: Id
  model?: StoredMessage['model']
  reason?: StoredMessage['reason']
  error?: StoredMessage['error']
  usage?: StoredMessage['usage']
  timings?: StoredMessage['timings']
}

/** Messages from the root to this one; null: there is none. */
export function depthOf(sql: Sql, id: Id | null): number {
  const row = id === null ? undefined : sql.get('SELECT depth FROM messages WHERE id = ?', id)
  return row ? integer(row, 'depth') : 0
}

/** `depth`: where it is known already. */
export function insertMessage(
  sql: Sql,
  message: NewMessage,
  at: string,
  depth: number = depthOf(sql, message.parentId) + 1,
): void {
  sql.run(
    `INSERT INTO messages (id, conversation_id, parent_id, depth, role, text, parts, state,
       model, reason, error, usage, timings, created_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    message.id,
    message.conversationId,
    message.parentId,
    depth,
    message.role,
    message.text,
    JSON.stringify(message.parts),
    message.state,
    message.model ?? null,
    message.reason ?? null,
    toJson(message.error),
    toJson(message.usage),
    toJson(message.timings),
    at,
  )
  noteAttachments(sql, message.id, message.parts)
}
