import { detach, type StoredPart } from './attached-parts.ts'
import { checkImport } from './check-import.ts'
import { insertTags } from './conversations.ts'
import { insertMessage } from './messages.ts'
import type { Room } from './room.ts'
import { integer, text, textOrNull } from './rows.ts'
import { indexConversation, mending } from './search-index.ts'
import type { Row, Sql } from './sql.ts'
import type { Id, ImportConversation, ImportMessage, Owner } from './store.ts'
import type { ImportedConversation } from './store-protocol.ts'

/** All of it in one transaction, with its rows in the index. Not durable yet. */
export function importConversation(room: Room, conversation: ImportConversation, owner: Owner): ImportedConversation {
  const { sql } = room
  checkImport(sql, [conversation], owner)
  const lacking = conversation.messages.filter(({ id }) => !sql.get('SELECT 1 FROM messages WHERE id = ?', id))
  const stored = sql.get('SELECT * FROM conversations WHERE id = ?', conversation.id)
  const head = stored ? textOrNull(stored, 'head') : null
  if (stored && lacking.length === 0 && !leadsOn(sql, head, conversation.head)) {
    return { outcome: 'present', messages: 0 }
  }
  const parts = new Map(lacking.map((message) => [message.id, detach(message.parts, room.attachments)]))
  mending(sql, () =>
    sql.transaction('normal', () => {
      if (!stored) insertConversation(sql, conversation, owner)
      for (const message of lacking) insertImported(sql, conversation.id, message, parts.get(message.id) ?? [])
      if (!stored || leadsOn(sql, head, conversation.head)) moveHead(sql, conversation, stored)
      indexConversation(sql, conversation.id)
    }),
  )
  return { outcome: stored ? 'extended' : 'imported', messages: lacking.length }
}

function insertConversation(sql: Sql, conversation: ImportConversation, owner: Owner): void {
  const { id, title, system, model, createdAt, updatedAt, pinned = false, tags = [] } = conversation
  sql.run(
    `INSERT INTO conversations
       (id, owner, title, title_source, system, model, pinned, touched, created_at, updated_at)
     VALUES (?, ?, ?, 'person', ?, ?, ?, ?, ?, ?)`,
    id,
    owner,
    title,
    system,
    model,
    Number(pinned),
    useAt(sql, owner, updatedAt),
    createdAt,
    updatedAt,
  )
  const row = sql.get('SELECT seq FROM conversations WHERE id = ?', id)
  if (row) insertTags(sql, integer(row, 'seq'), tags)
}

/** Right above what was used last before that time: what is imported is no newer than it was. */
function useAt(sql: Sql, owner: Owner, time: string): number {
  const neighbour = sql.get(
    `SELECT touched FROM conversations WHERE owner = ? AND updated_at <= ?
     ORDER BY updated_at DESC, touched DESC LIMIT 1`,
    owner,
    time,
  )
  return neighbour ? integer(neighbour, 'touched') : 0
}

function insertImported(sql: Sql, conversationId: Id, message: ImportMessage, parts: StoredPart[]): void {
  insertMessage(sql, { ...message, conversationId, parts }, message.createdAt)
}

/** Whether the way to the new head goes through the old one. */
function leadsOn(sql: Sql, from: Id | null, to: Id | null): boolean {
  if (to === null || to === from) return false
  if (from === null) return true
  const row = sql.get(
    `WITH RECURSIVE path (id, parent_id) AS (
       SELECT id, parent_id FROM messages WHERE id = ?
       UNION ALL SELECT above.id, above.parent_id FROM messages above JOIN path ON above.id = path.parent_id
     )
     SELECT 1 FROM path WHERE id = ? LIMIT 1`,
    to,
    from,
  )
  return row !== undefined
}

function moveHead(sql: Sql, { id, head, updatedAt }: ImportConversation, stored: Row | undefined): void {
  const newest = stored && text(stored, 'updated_at') > updatedAt ? text(stored, 'updated_at') : updatedAt
  sql.run('UPDATE conversations SET head = ?, updated_at = ? WHERE id = ?', head, newest, id)
}
