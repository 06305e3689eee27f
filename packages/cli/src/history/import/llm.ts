import type { ReadContext } from './context.ts'
import type { ImportedConversation } from './imported.ts'
import { openLlmResponses } from './llm-responses.ts'
import { readLlmThreads } from './llm-threads.ts'
import type { ForeignDatabase } from './sqlite.ts'

/** The database of the program `llm` (logs.db), of any version since 0.5. */
export function isLlmDatabase({ tables }: ForeignDatabase): boolean {
  return (tables.has('responses') && tables.has('conversations')) || (tables.has('threads') && tables.has('turns'))
}

/**
 * The oldest first. Since 0.32 or so a conversation is a thread of messages; what was said before stayed in the older
 * tables, under the same id when it went on: then both are one conversation,
 * and what was said before has the same ids as in an import from before the update.
 */
export async function* readLlm(database: ForeignDatabase, context: ReadContext): AsyncGenerator<ImportedConversation> {
  if (database.tables.has('logs')) {
    context.notices.add('table', 'logs', 'it is of llm before 0.5, which kept conversations in another way')
  }
  const newer = new Set<string>()
  if (database.tables.has('threads')) {
    for (const { id } of database.rows('SELECT id FROM threads')) newer.add(String(id))
  }
  const older = database.has('responses', 'conversation_id') ? openLlmResponses(database, newer, context) : undefined
  if (older) yield* older.readAll()
  if (newer.size > 0) yield* readLlmThreads(database, (id) => older?.readNodes(id) ?? [], context)
}
