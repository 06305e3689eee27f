import { LmappError } from 'lmapp-kit'
import { text } from './rows.ts'
import type { Sql } from './sql.ts'
import type { Id, ImportConversation, ImportMessage, Owner } from './store.ts'

/** What is stored under the ids of an import, as far as it is known. */
interface Taken {
  /** Conversation of each message that is there, or comes in another conversation of the same import. */
  conversationOf(messageId: Id): Id | undefined
}

const idPattern = /^[0-9a-z][0-9a-z_-]{3,63}$/
const timePattern = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
const roles = new Set(['system', 'user', 'assistant', 'tool'])
const endStates = new Set(['complete', 'length', 'stopped', 'incomplete', 'failed', 'crashed'])

/** Throws `bad-input` that names the first conversation that cannot be taken, and why. */
export function checkImport(sql: Sql, conversations: readonly ImportConversation[], owner: Owner): void {
  const coming = new Map<Id, Id>()
  const taken: Taken = {
    conversationOf(messageId) {
      const row = sql.get('SELECT conversation_id FROM messages WHERE id = ?', messageId)
      return row ? text(row, 'conversation_id') : coming.get(messageId)
    },
  }
  for (const conversation of conversations) {
    const problem = findProblem(sql, conversation, owner, taken)
    if (problem !== undefined) throw refuse(conversation, problem)
    for (const { id } of conversation.messages) coming.set(id, conversation.id)
  }
}

function refuse({ id, title }: ImportConversation, problem: string): LmappError {
  return new LmappError('bad-input', `The conversation "${title}" (${id}) cannot be taken: ${problem}.`, {
    hint: 'Correct the file, or leave this conversation out',
    details: { conversation: id, problem },
  })
}

function findProblem(sql: Sql, conversation: ImportConversation, owner: Owner, taken: Taken): string | undefined {
  const { id, createdAt, updatedAt, tags = [] } = conversation
  if (!idPattern.test(id)) return 'its id is not made of 4 to 64 small letters, digits, - and _'
  const stored = sql.get('SELECT owner FROM conversations WHERE id = ?', id)
  if (stored && text(stored, 'owner') !== owner) return 'its id is taken'
  if (!isTime(createdAt) || !isTime(updatedAt)) return 'its time is not in ISO 8601, UTC'
  if (tags.includes('')) return 'it has an empty tag'
  return findProblemOfTree(conversation, taken)
}

function findProblemOfTree({ id, head, messages }: ImportConversation, taken: Taken): string | undefined {
  const later = new Set(messages.map((message) => message.id))
  const seen = new Set<Id>()
  const isThere = (messageId: Id) => seen.has(messageId) || taken.conversationOf(messageId) === id
  for (const [index, message] of messages.entries()) {
    const problem = findProblemOfMessage(message, { isThere, later, seen, conversationId: id, taken })
    if (problem !== undefined) return `message ${index + 1} ${problem}`
    seen.add(message.id)
  }
  return head === null || isThere(head) ? undefined : `its head ${head} is none of its messages`
}

interface Tree {
  conversationId: Id
  isThere(messageId: Id): boolean
  /** All that come in this conversation. */
  later: ReadonlySet<Id>
  seen: ReadonlySet<Id>
  taken: Taken
}

function findProblemOfMessage(message: ImportMessage, tree: Tree): string | undefined {
  const { id, parentId, role, state, createdAt } = message
  if (!idPattern.test(id)) return 'has an id that is not made of 4 to 64 small letters, digits, - and _'
  if (tree.seen.has(id)) return `has the id of an earlier one: ${id}`
  const conversationId = tree.taken.conversationOf(id)
  if (conversationId !== undefined && conversationId !== tree.conversationId) {
    return `has an id that is taken in another conversation: ${id}`
  }
  if (!roles.has(role)) return `has a role that is none: ${role}`
  if (!endStates.has(state)) return `has a state that is none: ${state}`
  if (role !== 'assistant' && state !== 'complete') return `is from ${role}, but is not complete`
  if (!isTime(createdAt)) return 'has a time that is not in ISO 8601, UTC'
  if (parentId === null || tree.isThere(parentId)) return undefined
  return tree.later.has(parentId)
    ? 'comes before its parent, or is its own'
    : `has a parent that is missing: ${parentId}`
}

function isTime(time: string): boolean {
  return timePattern.test(time) && !Number.isNaN(Date.parse(time))
}
