import { requireConversation } from './conversations.ts'
import { listPrunable } from './list-conversations.ts'
import type { Room } from './room.ts'
import { text } from './rows.ts'
import { forgetConversation, mending } from './search-index.ts'
import type { Sql } from './sql.ts'
import type { Id, Owner, PruneFilter } from './store.ts'

export function deleteConversation(room: Room, id: Id, owner: Owner): void {
  deleteAll(room, () => [requireAndDelete(room.sql, id, owner)])
}

/** Those of them that still are to be pruned; some may have been used since they were listed. */
export function pruneSome(room: Room, ids: readonly Id[], filter: PruneFilter): Id[] {
  const due = new Set(listPrunable(room.sql, filter).map(({ id }) => id))
  const chosen = ids.filter((id) => due.has(id))
  deleteAll(room, () => chosen.map((id) => requireAndDelete(room.sql, id, filter.owner)))
  return chosen
}

/** All or none. `remove` returns the hashes of the attachments that were needed. The words go when it was scrubbed. */
function deleteAll({ sql, attachments, scrubber }: Room, remove: () => string[][]): void {
  const removeAll = () => {
    const hashes = remove()
    if (hashes.length > 0) scrubber.demand()
    return hashes.flat()
  }
  const needed = mending(sql, () => sql.transaction('durable', removeAll))
  for (const sha256 of new Set(needed)) if (!isNeeded(sql, sha256)) attachments.remove(sha256)
}

function requireAndDelete(sql: Sql, id: Id, owner: Owner): string[] {
  const conversation = requireConversation(sql, id, owner)
  const attached = sql.all(
    'SELECT sha256 FROM attachments JOIN messages ON messages.id = message_id WHERE conversation_id = ?',
    id,
  )
  forgetConversation(sql, conversation)
  sql.run('DELETE FROM conversations WHERE id = ?', id)
  return attached.map((row) => text(row, 'sha256'))
}

export function isNeeded(sql: Sql, sha256: string): boolean {
  return sql.get('SELECT 1 FROM attachments WHERE sha256 = ? LIMIT 1', sha256) !== undefined
}
