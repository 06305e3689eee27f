import { attachAll } from './attached-parts.ts'
import { notFound } from './conversations.ts'
import { findConversation } from './find-conversation.ts'
import { readConversation } from './list-conversations.ts'
import { readPath, readTree } from './messages.ts'
import type { Room } from './room.ts'
import { integer } from './rows.ts'
import type { Sql } from './sql.ts'
import type { Conversation, Id, Owner } from './store.ts'

export function getConversation(
  { sql, attachments }: Room,
  id: string,
  owner: Owner,
  { branches = false }: { branches?: boolean } = {},
): Conversation {
  const { conversationId, messageId } = findConversation(sql, id, owner)
  const conversation = readConversation(sql, conversationId)
  if (!conversation) throw notFound(id)
  const head = messageId ?? conversation.head
  const messages = branches ? readTree(sql, conversationId) : readPath(sql, head)
  return {
    ...conversation,
    head,
    messageCount: depthOf(sql, head),
    messages: attachAll(messages, attachments),
  }
}

/** Messages from the root to this one. */
function depthOf(sql: Sql, id: Id | null): number {
  const row = sql.get('SELECT depth FROM messages WHERE id = ?', id)
  return row ? integer(row, 'depth') : 0
}
