import { text } from './rows.ts'
import { indexNext, mending } from './search-index.ts'
import { parseQuery, type Term, toCondition } from './search-query.ts'
import { findTerms, toSnippet } from './snippet.ts'
import type { Row, Sql } from './sql.ts'
import type { Id, Owner, SearchHit } from './store.ts'
import { isFull } from './store-error.ts'

const defaultLimit = 20

export function search(sql: Sql, query: string, filter: { owner: Owner; limit?: number }): SearchHit[] {
  const terms = parseQuery(query)
  if (terms.length === 0) return []
  const limit = filter.limit ?? defaultLimit
  const messages = findMessages(sql, terms, filter.owner, limit)
  const known = new Set(messages.map((hit) => hit.conversationId))
  return [...findTitles(sql, terms, filter.owner, known), ...messages].slice(0, limit)
}

function findMessages(sql: Sql, terms: readonly Term[], owner: Owner, limit: number): SearchHit[] {
  const condition = toCondition(terms)
  const rows = mending(sql, () => {
    indexAll(sql)
    return sql.all(
      `SELECT messages.id, conversation_id, title, messages.text, messages.created_at
       FROM messages JOIN conversations ON conversations.id = conversation_id
       WHERE owner = ? AND ${condition.sql} ORDER BY messages.seq DESC LIMIT ?`,
      owner,
      ...condition.values,
      limit,
    )
  })
  return rows.map((row) => toHit(row, toSnippet(text(row, 'text'), findTerms(text(row, 'text'), terms) ?? [])))
}

/** On a full disk what is indexed already must do. */
function indexAll(sql: Sql): void {
  try {
    while (indexNext(sql)) {}
  } catch (error) {
    if (!isFull(error)) throw error
  }
}

/** Titles are few and short: they need no index. A title is often the question again, which was found already. */
function findTitles(sql: Sql, terms: readonly Term[], owner: Owner, known: ReadonlySet<Id>): SearchHit[] {
  const rows = sql.all(
    `SELECT messages.id, conversations.id AS conversation_id, title, conversations.created_at
     FROM conversations JOIN messages ON messages.seq =
       (SELECT min(seq) FROM messages WHERE conversation_id = conversations.id)
     WHERE owner = ? ORDER BY touched DESC`,
    owner,
  )
  return rows.flatMap((row) => {
    const ranges = known.has(text(row, 'conversation_id')) ? undefined : findTerms(text(row, 'title'), terms)
    return ranges ? [toHit(row, toSnippet(text(row, 'title'), ranges))] : []
  })
}

function toHit(row: Row, snippet: string): SearchHit {
  return {
    conversationId: text(row, 'conversation_id'),
    messageId: text(row, 'id'),
    title: text(row, 'title'),
    snippet,
    createdAt: text(row, 'created_at'),
  }
}
