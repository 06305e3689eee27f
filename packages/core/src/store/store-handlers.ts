import {
  deleteConversation,
  getConversation,
  lastConversation,
  listConversations,
  noteTerminal,
  renameConversation,
  setHead,
  setSystem,
} from './conversations.ts'
import { getFact, setFact } from './facts.ts'
import { appendEvents, beginRun, endRun, getRunSnapshot, recordAttempt, recoverCrashed } from './runs.ts'
import { search } from './search.ts'
import type { Sql } from './sql.ts'
import type { StoreHandlers } from './store-protocol.ts'

export function createHandlers(sql: Sql): StoreHandlers {
  return {
    beginRun: (at, run) => beginRun(sql, run, at),
    appendEvents: (_at, runId, fromSeq, events) => appendEvents(sql, runId, fromSeq, events),
    recordAttempt: (_at, runId, attempt) => recordAttempt(sql, runId, attempt),
    endRun: (at, end) => endRun(sql, end, at),
    recoverCrashed: (at) => recoverCrashed(sql, at),
    listConversations: (_at, filter) => listConversations(sql, filter),
    getConversation: (_at, id, owner) => getConversation(sql, id, owner),
    renameConversation: (_at, id, title, owner) => renameConversation(sql, id, title, owner),
    deleteConversation: (_at, id, owner) => deleteConversation(sql, id, owner),
    setHead: (_at, id, head, owner) => setHead(sql, id, head, owner),
    setSystem: (_at, id, system, owner) => setSystem(sql, id, system, owner),
    search: (_at, query, filter) => search(sql, query, filter),
    lastConversation: (_at, terminal, owner) => lastConversation(sql, terminal, owner),
    noteTerminal: (_at, terminal, conversationId, owner) => noteTerminal(sql, terminal, conversationId, owner),
    getRunSnapshot: (_at, messageId) => getRunSnapshot(sql, messageId),
    getFact: (_at, key) => getFact(sql, key),
    setFact: (_at, key, value) => setFact(sql, key, value),
  }
}
