import { checkImport } from './check-import.ts'
import {
  lastConversation,
  noteTerminal,
  renameConversation,
  setAutomaticTitle,
  setHead,
  setPinned,
  setSystem,
  setTags,
} from './conversations.ts'
import { deleteConversation, pruneSome } from './delete-conversations.ts'
import { getFact, setFact } from './facts.ts'
import { findConversation } from './find-conversation.ts'
import { forkConversation } from './fork-conversation.ts'
import { getConversation, listReplies } from './get-conversation.ts'
import { importConversation } from './import-conversation.ts'
import { addKey, listKeys, noteKeyUse, revokeKey } from './keys.ts'
import { listConversations, listPrunable } from './list-conversations.ts'
import type { Room } from './room.ts'
import { appendEvents, beginRun, endRun, getRunSnapshot, recordAttempt, recoverCrashed } from './runs.ts'
import { search } from './search.ts'
import type { StoreHandlers } from './store-protocol.ts'
import { vacuum } from './vacuum.ts'

export function createHandlers(room: Room): StoreHandlers {
  const { sql } = room
  return {
    beginRun: (at, run) => beginRun(room, run, at),
    appendEvents: (_at, runId, fromSeq, events) => appendEvents(sql, runId, fromSeq, events),
    recordAttempt: (_at, runId, attempt) => recordAttempt(sql, runId, attempt),
    endRun: (at, end) => endRun(sql, end, at),
    recoverCrashed: (at) => recoverCrashed(sql, at),
    listConversations: (_at, filter) => listConversations(sql, filter),
    getConversation: (_at, id, owner, options) => getConversation(room, id, owner, options),
    listReplies: (_at, messageId, owner, limit) => listReplies(room, messageId, owner, limit),
    findConversation: (_at, id, owner) => findConversation(sql, id, owner),
    renameConversation: (_at, id, title, owner) => renameConversation(sql, id, title, owner),
    setAutomaticTitle: (_at, id, title) => setAutomaticTitle(sql, id, title),
    setPinned: (_at, id, pinned, owner) => setPinned(sql, id, pinned, owner),
    setTags: (_at, id, tags, owner) => setTags(sql, id, tags, owner),
    deleteConversation: (_at, id, owner) => deleteConversation(room, id, owner),
    setHead: (_at, id, head, owner) => setHead(sql, id, head, owner),
    setSystem: (_at, id, system, owner) => setSystem(sql, id, system, owner),
    forkConversation: (at, id, owner, point = {}) => forkConversation(sql, { id, owner }, point, at),
    checkImport: (_at, conversations, owner) => checkImport(sql, conversations, owner),
    importConversation: (_at, conversation, owner) => importConversation(room, conversation, owner),
    settle: () => sql.exec('PRAGMA wal_checkpoint(FULL)'),
    listPrunable: (_at, filter) => listPrunable(sql, filter),
    pruneSome: (_at, ids, filter) => pruneSome(room, ids, filter),
    scrubSome: () => room.scrubber.some(),
    vacuum: () => vacuum(room),
    search: (_at, query, filter) => search(sql, query, filter),
    lastConversation: (_at, terminal, owner) => lastConversation(sql, terminal, owner),
    noteTerminal: (_at, terminal, conversationId, owner) => noteTerminal(sql, terminal, conversationId, owner),
    getRunSnapshot: (_at, messageId) => getRunSnapshot(sql, messageId),
    getFact: (_at, key) => getFact(sql, key),
    setFact: (_at, key, value) => setFact(sql, key, value),
    addKey: (_at, key) => addKey(sql, key),
    listKeys: () => listKeys(sql),
    revokeKey: (_at, id, revokedAt) => revokeKey(sql, id, revokedAt),
    noteKeyUse: (_at, id, usedAt) => noteKeyUse(sql, id, usedAt),
  }
}
