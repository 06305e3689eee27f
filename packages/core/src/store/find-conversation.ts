import { LmappError } from 'lmapp-kit'
import { text } from './rows.ts'
import type { Row, Sql } from './sql.ts'
import type { FoundConversation, Id, Owner } from './store.ts'

const minPrefixLength = 4
/** So many are named when an id fits several. */
const namedCandidates = 5

/** By the id of a conversation or of a message, or by the beginning of one. */
export function findConversation(sql: Sql, id: string, owner: Owner): FoundConversation {
  const prefix = id.trim().toLowerCase()
  if (prefix.length < minPrefixLength) {
    throw new LmappError('bad-input', `Give at least ${minPrefixLength} characters of the id.`, {
      hint: 'See the ids: lmapp history list',
      details: { id },
    })
  }
  const conversations = sql.all(
    `SELECT id, title FROM conversations WHERE owner = ? AND ${beginsWith('id')} ORDER BY id LIMIT ${namedCandidates + 1}`,
    owner,
    prefix,
    prefix,
  )
  assertOne(prefix, conversations)
  const [conversation] = conversations
  if (conversation) return { conversationId: text(conversation, 'id') }
  return findByMessage(sql, id, prefix, owner)
}

function findByMessage(sql: Sql, id: string, prefix: string, owner: Owner): FoundConversation {
  const messages = sql.all(
    `SELECT messages.id, conversation_id, title FROM messages JOIN conversations ON conversations.id = conversation_id
     WHERE owner = ? AND ${beginsWith('messages.id')} ORDER BY messages.id LIMIT ${namedCandidates + 1}`,
    owner,
    prefix,
    prefix,
  )
  assertOne(prefix, messages)
  const [row] = messages
  if (row) return { conversationId: text(row, 'conversation_id'), messageId: text(row, 'id') }
  throw new LmappError('not-found', `No conversation or message has the id ${id}.`, { details: { id } })
}

/** As a range, so that the index serves it. Ids hold only characters below `~`. */
function beginsWith(column: string): string {
  return `${column} >= ? AND ${column} < ? || '~'`
}

/** Names the shortest beginnings that fit only one, with the titles. `rows`: in the order of their ids. */
function assertOne(prefix: string, rows: readonly Row[]): void {
  if (rows.length <= 1) return
  const ids = rows.map((row) => text(row, 'id'))
  const told = rows.slice(0, namedCandidates).map((row) => `${shorten(text(row, 'id'), ids)} "${text(row, 'title')}"`)
  throw new LmappError('bad-input', `Several ids begin with "${prefix}".`, {
    hint: `Give more of it: ${told.join(', ')}${rows.length > namedCandidates ? ', …' : ''}`,
    details: { prefix, candidates: ids.slice(0, namedCandidates) },
  })
}

function shorten(id: Id, all: readonly Id[]): string {
  let length = minPrefixLength
  while (length < id.length && all.some((other) => other !== id && other.startsWith(id.slice(0, length)))) length += 1
  return id.slice(0, length)
}
