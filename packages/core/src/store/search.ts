import { text } from './rows.ts'
import { indexSome, mending } from './search-index.ts'
import { parseQuery, type Searched, type Term, toSource } from './search-query.ts'
import { findTerms, toSnippet } from './snippet.ts'
import type { Row, Sql } from './sql.ts'
import type { Id, Owner, SearchHit } from './store.ts'
import { isFull } from './store-error.ts'

const defaultLimit = 20

const messages: Searched = { table: 'messages', text: 'text', words: 'search_words', trigrams: 'search_trigrams' }
const titles: Searched = {
  table: 'conversations',
  text: 'title',
  words: 'search_title_words',
  trigrams: 'search_title_trigrams',
}

export function search(sql: Sql, query: string, filter: { owner: Owner; limit?: number }): SearchHit[] {
  const terms = parseQuery(query)
  if (terms.length === 0) return []
  const { owner, limit = defaultLimit } = filter
  return mending(sql, () => {
    indexAll(sql)
    const found = findMessages(sql, terms, owner, limit)
    const known = new Set(found.map((hit) => hit.conversationId))
    return [...findTitles(sql, terms, owner, { limit, known }), ...found].slice(0, limit)
  })
}

/** On a full disk what is indexed already must do. */
function indexAll(sql: Sql): void {
  try {
    while (indexSome(sql)) {}
  } catch (error) {
    if (!isFull(error)) throw error
  }
}

function findMessages(sql: Sql, terms: readonly Term[], owner: Owner, limit: number): SearchHit[] {
  const { from, seq, condition, values } = toSource(terms, messages)
  const rows = sql.all(
    `SELECT messages.id, conversation_id, title, messages.text, messages.created_at
     FROM ${from} CROSS JOIN conversations ON conversations.id = conversation_id
     WHERE ${condition} AND owner = ? ORDER BY ${seq} DESC LIMIT ?`,
    ...values,
    owner,
    limit,
  )
  return rows.map((row) => toHit(row, text(row, 'text'), terms))
}

/** A title is often the question again, which was found already. */
function findTitles(
  sql: Sql,
  terms: readonly Term[],
  owner: Owner,
  { limit, known }: { limit: number; known: ReadonlySet<Id> },
): SearchHit[] {
  const { from, seq, condition, values } = toSource(terms, titles)
  const rows = sql.all(
    `SELECT conversations.id AS conversation_id, title, conversations.created_at,
       (SELECT id FROM messages WHERE conversation_id = conversations.id ORDER BY seq LIMIT 1) AS id
     FROM ${from} WHERE ${condition} AND owner = ?
       AND EXISTS (SELECT 1 FROM messages WHERE conversation_id = conversations.id) ORDER BY ${seq} DESC LIMIT ?`,
    ...values,
    owner,
    limit + known.size,
  )
  return rows
    .filter((row) => !known.has(text(row, 'conversation_id')))
    .map((row) => toHit(row, text(row, 'title'), terms))
}

function toHit(row: Row, searched: string, terms: readonly Term[]): SearchHit {
  return {
    conversationId: text(row, 'conversation_id'),
    messageId: text(row, 'id'),
    title: text(row, 'title'),
    snippet: toSnippet(searched, findTerms(searched, terms) ?? []),
    createdAt: text(row, 'created_at'),
  }
}
