import type { ConversationSummary, Id, ImportConversation, ImportResult, Owner, PruneFilter } from './store.ts'
import type { StoreCalls } from './store-protocol.ts'

/** So many conversations are deleted between two other requests. */
const deletedAtOnce = 20

/** A conversation at a time. Once it resolves, all of them are on disk for good. */
export async function importInPieces(
  calls: StoreCalls,
  conversations: readonly ImportConversation[],
  owner: Owner,
): Promise<ImportResult> {
  await calls.call('checkImport', [...conversations], owner)
  const result: ImportResult = { imported: [], extended: [], present: [], messages: 0 }
  for (const conversation of conversations) {
    const { outcome, messages } = await calls.call('importConversation', conversation, owner)
    result[outcome].push(conversation.id)
    result.messages += messages
  }
  if (result.present.length < conversations.length) await calls.call('settle')
  return result
}

/** Some conversations at a time; one that is used meanwhile stays. */
export async function pruneInPieces(calls: StoreCalls, filter: PruneFilter): Promise<ConversationSummary[]> {
  const due = await calls.call('listPrunable', filter)
  if (filter.dryRun) return due
  const pruned = new Set<string>()
  for (let at = 0; at < due.length; at += deletedAtOnce) {
    const ids = due.slice(at, at + deletedAtOnce).map(({ id }) => id)
    for (const id of await calls.call('pruneSome', ids, filter)) pruned.add(id)
  }
  await scrub(calls)
  return due.filter(({ id }) => pruned.has(id))
}

/** Resolves when nothing of it is left in any file. */
export async function deleteInPieces(calls: StoreCalls, id: Id, owner: Owner): Promise<void> {
  await calls.call('deleteConversation', id, owner)
  await scrub(calls)
}

async function scrub(calls: StoreCalls): Promise<void> {
  while (await calls.call('scrubSome')) {}
}
