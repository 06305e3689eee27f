import { requireConversation, requireMessage } from './conversations.ts'
import { createId } from './ids.ts'
import { type DetachedMessage, insertMessage, readPath } from './messages.ts'
import { text, textOrNull } from './rows.ts'
import { nextUse } from './runs.ts'
import type { Row, Sql } from './sql.ts'
import type { ForkPoint, Id, Owner } from './store.ts'

export function forkConversation(
  sql: Sql,
  origin: { id: Id; owner: Owner },
  { messageId, title }: ForkPoint,
  at: string,
): Id {
  return sql.transaction('durable', () => {
    const conversation = requireConversation(sql, origin.id, origin.owner)
    if (messageId !== undefined) requireMessage(sql, messageId, origin.id)
    const id = createId()
    insertCopy(sql, conversation, { id, title }, at)
    const head = copyPath(sql, readPath(sql, messageId ?? textOrNull(conversation, 'head')), id)
    sql.run('UPDATE conversations SET head = ? WHERE id = ?', head, id)
    return id
  })
}

function insertCopy(sql: Sql, original: Row, { id, title }: { id: Id; title: string | undefined }, at: string): void {
  sql.run(
    `INSERT INTO conversations (id, owner, title, title_source, system, model, touched, created_at, updated_at)
     SELECT ?, owner, coalesce(?, title), iif(? IS NULL, title_source, 'person'), system, model, ${nextUse}, ?, ?
     FROM conversations WHERE id = ?`,
    id,
    title ?? null,
    title ?? null,
    at,
    at,
    text(original, 'id'),
  )
  sql.run(
    `INSERT INTO tags (conversation, tag)
     SELECT (SELECT seq FROM conversations WHERE id = ?), tag FROM tags WHERE conversation = ?`,
    id,
    Number(original.seq),
  )
}

/** Returns the id of the last copy. */
function copyPath(sql: Sql, path: readonly DetachedMessage[], conversationId: Id): Id | null {
  let parentId: Id | null = null
  for (const message of path) {
    const id = createId()
    const state = message.state === 'running' ? 'stopped' : message.state
    insertMessage(sql, { ...message, id, parentId, conversationId, state }, message.createdAt)
    copyNewestRun(sql, message.id, id, state)
    parentId = id
  }
  return parentId
}

/** So that `continue` and `retry` mean the same in the copy. */
function copyNewestRun(sql: Sql, from: Id, to: Id, state: string): void {
  sql.run(
    `INSERT INTO runs (id, owner, message_id, state, snapshot, started_at, ended_at)
     SELECT ?, owner, ?, ?, snapshot, started_at, coalesce(ended_at, started_at)
     FROM runs WHERE message_id = ? ORDER BY seq DESC LIMIT 1`,
    createId(),
    to,
    state,
    from,
  )
}
