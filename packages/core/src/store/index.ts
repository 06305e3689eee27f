export { createId } from './ids.ts'
export { loadSqlite } from './load-sqlite.ts'
export { type OpenStoreOptions, openStore } from './open-store.ts'
export type {
  AttemptRecord,
  BeginRun,
  Conversation,
  ConversationSummary,
  EndRun,
  Id,
  Owner,
  RunSnapshotRecord,
  SearchHit,
  Store,
  StoredMessage,
} from './store.ts'
