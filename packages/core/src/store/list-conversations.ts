import { requireConversation } from './conversations.ts'
import { integer, json, text, textOrNull } from './rows.ts'
import type { Row, Sql } from './sql.ts'
import type { ConversationFilter, ConversationSummary, Id, PruneFilter } from './store.ts'

/** A conversation with the length of its path and its tags. */
const summaries = `
  SELECT conversations.*, coalesce(messages.depth, 0) AS message_count,
    (SELECT json_group_array(tag) FROM (SELECT tag FROM tags WHERE conversation = conversations.seq ORDER BY tag)) AS tags
  FROM conversations LEFT JOIN messages ON messages.id = head`

/** What was imported shares the counter of its neighbour in time, so the time decides among those. */
const place = 'pinned, touched, conversations.updated_at, conversations.seq'

/** Conditions of a query, and their values. */
type Condition = [sql: string, ...values: (string | number)[]]

const hasTag = 'conversations.seq IN (SELECT conversation FROM tags WHERE tag = ?)'

export function listConversations(sql: Sql, filter: ConversationFilter): ConversationSummary[] {
  const { owner, limit = -1, before, tag, pinned } = filter
  const conditions: Condition[] = [['owner = ?', owner]]
  if (pinned !== undefined) conditions.push(['pinned = ?', Number(pinned)])
  if (tag !== undefined) conditions.push([hasTag, tag])
  if (before !== undefined) {
    const row = requireConversation(sql, before, owner)
    const mark = [integer(row, 'pinned'), integer(row, 'touched'), text(row, 'updated_at'), integer(row, 'seq')]
    conditions.push([`(${place}) < (?, ?, ?, ?)`, ...mark])
  }
  return select(sql, conditions, limit)
}

/** Those that `prune` deletes. */
export function listPrunable(sql: Sql, { owner, before, tag }: PruneFilter): ConversationSummary[] {
  const conditions: Condition[] = [
    ['owner = ?', owner],
    ['pinned = 0'],
    ['updated_at < ?', before],
    ["NOT EXISTS (SELECT 1 FROM messages m WHERE m.conversation_id = conversations.id AND m.state = 'running')"],
  ]
  if (tag !== undefined) conditions.push([hasTag, tag])
  return select(sql, conditions, -1)
}

function select(sql: Sql, conditions: Condition[], limit: number): ConversationSummary[] {
  const where = conditions.map(([condition]) => condition).join(' AND ')
  const order = place.replaceAll(/,|$/g, ' DESC$&')
  const values = conditions.flatMap(([, ...rest]) => rest)
  return sql.all(`${summaries} WHERE ${where} ORDER BY ${order} LIMIT ?`, ...values, limit).map(toSummary)
}

/** With the system prompt. */
export function readConversation(sql: Sql, id: Id): (ConversationSummary & { system: string | null }) | undefined {
  const row = sql.get(`${summaries} WHERE conversations.id = ?`, id)
  return row && { ...toSummary(row), system: textOrNull(row, 'system') }
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
    pinned: integer(row, 'pinned') === 1,
    tags: json(row, 'tags'),
  }
}
