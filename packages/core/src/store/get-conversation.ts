import { attachAll } from './attached-parts.ts'
import { notFound, requireConversation, requireMessage } from './conversations.ts'
import { findConversation } from './find-conversation.ts'
import { readConversation } from './list-conversations.ts'
import { depthOf, readPath, readReplies, readTree } from './messages.ts'
import type { Room } from './room.ts'
import { text } from './rows.ts'
import type { Conversation, Id, Owner, StoredMessage } from './store.ts'

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

export function listReplies({ sql, attachments }: Room, messageId: Id, owner: Owner, limit: number): StoredMessage[] {
  const message = requireMessage(sql, messageId)
  requireConversation(sql, text(message, 'conversation_id'), owner)
  return attachAll(readReplies(sql, messageId, limit), attachments)
}
