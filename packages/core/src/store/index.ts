export { createId } from './ids.ts'
export { loadSqlite } from './load-sqlite.ts'
export { type OpenStoreOptions, openStore } from './open-store.ts'
export type {
  AttemptRecord,
  BeginRun,
  Conversation,
  ConversationFilter,
  ConversationSummary,
  EndRun,
  ForkPoint,
  FoundConversation,
  Id,
  ImportConversation,
  ImportMessage,
  ImportResult,
  NewKey,
  NewPath,
  NewQuestion,
  Owner,
  PruneFilter,
  RunSnapshotRecord,
  SearchHit,
  Store,
  StoredKey,
  StoredMessage,
  VacuumResult,
} from './store.ts'
