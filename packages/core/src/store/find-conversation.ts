import { LmappError } from 'lmapp-kit'
import { text } from './rows.ts'
import type { Sql } from './sql.ts'
import type { Id, Owner } from './store.ts'

export interface Found {
  conversationId: Id
  /** When the id was that of a message. */
  messageId?: Id
}

const minPrefixLength = 4
/** So many are named when an id fits several. */
const namedCandidates = 5

/** By the id of a conversation or of a message, or by the beginning of one. */
export function findConversation(sql: Sql, id: string, owner: Owner): Found {
  const prefix = id.trim().toLowerCase()
  if (prefix.length < minPrefixLength) {
    throw new LmappError('bad-input', `Give at least ${minPrefixLength} characters of the id.`, { details: { id } })
  }
  const conversations = sql.all(
    `SELECT id FROM conversations WHERE owner = ? AND ${beginsWith('id')} LIMIT ${namedCandidates}`,
    owner,
    prefix,
    prefix,
  )
  const [conversationId] = only(
    prefix,
    conversations.map((row) => text(row, 'id')),
  )
  if (conversationId !== undefined) return { conversationId }
  return findByMessage(sql, id, prefix, owner)
}

function findByMessage(sql: Sql, id: string, prefix: string, owner: Owner): Found {
  const messages = sql.all(
    `SELECT messages.id, conversation_id FROM messages JOIN conversations ON conversations.id = conversation_id
     WHERE owner = ? AND ${beginsWith('messages.id')} LIMIT ${namedCandidates}`,
    owner,
    prefix,
    prefix,
  )
  only(
    prefix,
    messages.map((row) => text(row, 'id')),
  )
  const [row] = messages
  if (row) return { conversationId: text(row, 'conversation_id'), messageId: text(row, 'id') }
  throw new LmappError('not-found', `No conversation or message has the id ${id}.`, { details: { id } })
}

/** As a range, so that the index serves it. Ids hold only characters below `~`. */
function beginsWith(column: string): string {
  return `${column} >= ? AND ${column} < ? || '~'`
}

function only(prefix: string, candidates: Id[]): Id[] {
  if (candidates.length <= 1) return candidates
  throw new LmappError('bad-input', `Several ids begin with "${prefix}".`, {
    hint: `Give more of it: ${candidates.join(', ')}`,
    details: { prefix, candidates },
  })
}
