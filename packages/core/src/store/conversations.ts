import { LmappError } from 'lmapp-kit'
import { text } from './rows.ts'
import { forgetTitle, mending } from './search-index.ts'
import type { Row, Sql } from './sql.ts'
import type { Id, Owner } from './store.ts'

export function renameConversation(sql: Sql, id: Id, title: string, owner: Owner): void {
  mending(sql, () =>
    change(sql, id, owner, (conversation) => {
      forgetTitle(sql, conversation)
      sql.run("UPDATE conversations SET title = ?, title_source = 'person' WHERE id = ?", title, id)
    }),
  )
}

export function setAutomaticTitle(sql: Sql, id: Id, title: string): boolean {
  return mending(sql, () =>
    sql.transaction('normal', () => {
      const conversation = sql.get("SELECT * FROM conversations WHERE id = ? AND title_source <> 'person'", id)
      if (!conversation) return false
      forgetTitle(sql, conversation)
      sql.run("UPDATE conversations SET title = ?, title_source = 'model' WHERE id = ?", title, id)
      return true
    }),
  )
}

export function setPinned(sql: Sql, id: Id, pinned: boolean, owner: Owner): void {
  change(sql, id, owner, () => sql.run('UPDATE conversations SET pinned = ? WHERE id = ?', Number(pinned), id))
}

export function setTags(sql: Sql, id: Id, tags: readonly string[], owner: Owner): void {
  change(sql, id, owner, ({ seq }) => {
    sql.run('DELETE FROM tags WHERE conversation = ?', Number(seq))
    insertTags(sql, Number(seq), tags)
  })
}

export function insertTags(sql: Sql, conversation: number, tags: readonly string[]): void {
  for (const tag of tags) sql.run('INSERT OR IGNORE INTO tags (conversation, tag) VALUES (?, ?)', conversation, tag)
}

export function setSystem(sql: Sql, id: Id, system: string | null, owner: Owner): void {
  change(sql, id, owner, () => sql.run('UPDATE conversations SET system = ? WHERE id = ?', system, id))
}

export function setHead(sql: Sql, id: Id, head: Id | null, owner: Owner): void {
  change(sql, id, owner, () => {
    if (head !== null) requireMessage(sql, head, id)
    sql.run('UPDATE conversations SET head = ? WHERE id = ?', head, id)
  })
}

function change(sql: Sql, id: Id, owner: Owner, work: (conversation: Row) => void): void {
  sql.transaction('durable', () => work(requireConversation(sql, id, owner)))
}

export function noteTerminal(sql: Sql, terminal: string, conversationId: Id, owner: Owner): void {
  sql.transaction('normal', () => {
    requireConversation(sql, conversationId, owner)
    sql.run(
      'INSERT OR REPLACE INTO terminals (owner, terminal, conversation_id) VALUES (?, ?, ?)',
      owner,
      terminal,
      conversationId,
    )
  })
}

export function lastConversation(sql: Sql, terminal: string, owner: Owner): Id | null {
  const row = sql.get('SELECT conversation_id FROM terminals WHERE owner = ? AND terminal = ?', owner, terminal)
  return row ? text(row, 'conversation_id') : null
}

export function requireConversation(sql: Sql, id: Id, owner: Owner): Row {
  const row = sql.get('SELECT * FROM conversations WHERE id = ? AND owner = ?', id, owner)
  if (!row) throw notFound(id)
  return row
}

/** A message; of that conversation, when one is named. */
export function requireMessage(sql: Sql, id: Id, conversationId?: Id): Row {
  const row = sql.get('SELECT conversation_id, role, state, depth, text, parts FROM messages WHERE id = ?', id)
  if (!row || (conversationId !== undefined && text(row, 'conversation_id') !== conversationId)) {
    throw new LmappError('not-found', `No message of this conversation has the id ${id}.`, { details: { id } })
  }
  return row
}

export function notFound(id: string): LmappError {
  return new LmappError('not-found', `No conversation or message has the id ${id}.`, { details: { id } })
}
