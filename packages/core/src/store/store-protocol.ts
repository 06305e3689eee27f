import type { ErrorData } from 'lmapp-kit'
import type { ConversationSummary, Id, ImportConversation, Owner, PruneFilter, Store } from './store.ts'

/** What travels between a store and its worker. */

/** What takes long is asked for in pieces, so that an answer being written need not wait for all of it. */
type InPieces = 'importConversations' | 'pruneConversations'

export interface StoreMethods extends Omit<Store, 'setAside' | InPieces | typeof Symbol.asyncDispose> {
  checkImport(conversations: ImportConversation[], owner: Owner): Promise<void>
  importConversation(conversation: ImportConversation, owner: Owner): Promise<ImportedConversation>
  /** Makes what was written before durable. */
  settle(): Promise<void>
  listPrunable(filter: PruneFilter): Promise<ConversationSummary[]>
  /** Those of them that are still to be pruned; the others are left out of what it resolves to. */
  pruneSome(ids: Id[], filter: PruneFilter): Promise<Id[]>
  /** Overwrites some of what was deleted; false when nothing of it is left. */
  scrubSome(): Promise<boolean>
}

export interface ImportedConversation {
  outcome: 'imported' | 'extended' | 'present'
  /** Messages that were written. */
  messages: number
}

export type StoreMethod = keyof StoreMethods

/** Asks the worker. */
export interface StoreCalls {
  call<M extends StoreMethod>(method: M, ...args: Parameters<StoreMethods[M]>): ReturnType<StoreMethods[M]>
}

/** The same methods, done at once: `at` is the time of the request, ISO 8601. */
export type StoreHandlers = {
  [M in StoreMethod]: (at: string, ...args: Parameters<StoreMethods[M]>) => Awaited<ReturnType<StoreMethods[M]>>
}

export interface WorkerOptions {
  path: string
  attachmentsDir: string
  now: Date
  maxPages?: number
}

export interface StoreRequest<M extends StoreMethod = StoreMethod> {
  id: number
  at: string
  method: M
  args: Parameters<StoreMethods[M]>
}

export type ToWorker = StoreRequest[] | 'close'

/** An error of the table, or the stack of a bug. */
export type Failure = { error: ErrorData } | { bug: string }

export type Answer = { id: number; value: unknown } | { id: number; failure: Failure }

export type FromWorker =
  /** First of all. Nothing else follows a failure. */
  | { type: 'opened'; setAside?: string }
  | { type: 'not-opened'; failure: Failure }
  | { type: 'answers'; answers: Answer[] }
