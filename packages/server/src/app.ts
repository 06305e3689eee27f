import type { RunManager } from '@lmapp/core/runs'
import type { Owner, Store } from '@lmapp/core/store'
import type {
  ApiBackend,
  ApiModel,
  CreateEmbedding,
  PullEvent,
  PullModel,
  RemovedModel,
  ServiceHealth,
} from 'lmapp-client'
import type { Embedding, ModelInfo } from 'lmapp-kit'

/** On whose behalf a call is made. */
export interface Caller {
  owner: Owner
  /** What the front sent of its environment; empty for guests. */
  environment: Readonly<Record<string, string>>
  /** Aborts when the client leaves before it was answered. */
  signal: AbortSignal
}

export interface ModelsOfApp {
  list(caller: Caller, filter: { backend?: string }): Promise<ApiModel[]>
  show(caller: Caller, ref: string): Promise<ApiModel>
  resolve(caller: Caller, ref: string): Promise<{ refs: string[]; notice?: string }>
  /** Ends after `done`, or throws. Stops, resumable, when the caller leaves. */
  pull(caller: Caller, request: PullModel): AsyncIterable<Exclude<PullEvent, { type: 'error' }>>
  remove(caller: Caller, ref: string): Promise<RemovedModel>
}

export interface BackendsOfApp {
  list(caller: Caller): Promise<ApiBackend[]>
  show(caller: Caller, name: string): Promise<ApiBackend & { models?: ModelInfo[] }>
  /** Resolves with how it is then. Throws what keeps the engine from starting. */
  start(caller: Caller, name: string): Promise<ApiBackend>
  /** Throws `not-owner` for what lmapp did not start. */
  stop(caller: Caller, name: string): Promise<ApiBackend>
  /** The tail of its log. */
  logs(caller: Caller, name: string, options: { lines: number }): Promise<string>
}

/** What the server serves. The composition root puts it together. */
export interface ServerApp {
  readonly version: string
  /** The secret that this service shares with the fronts of its user. */
  readonly token: string
  /** Whether guests may have models fetched: `serve.allowPull`. */
  readonly allowPull: boolean
  readonly runs: Pick<RunManager, 'start' | 'get' | 'list'>
  readonly store: Pick<
    Store,
    | 'listConversations'
    | 'getConversation'
    | 'findConversation'
    | 'renameConversation'
    | 'setPinned'
    | 'setTags'
    | 'forkConversation'
    | 'importConversations'
    | 'pruneConversations'
    | 'vacuum'
    | 'deleteConversation'
    | 'setHead'
    | 'setSystem'
    | 'search'
    | 'lastConversation'
  >
  readonly models: ModelsOfApp
  readonly backends: BackendsOfApp
  embed(caller: Caller, request: CreateEmbedding): Promise<Embedding & { model: string }>
  health(): ServiceHealth
  /** Begins to end the service. Called when the answer to the one who asked for it has left. */
  stop(): void
  /** Called when `activeRequests` of the server changed. */
  onActivity?(): void
  /** Takes what nobody foresaw, for the log. The client is told only that it happened. */
  onBug(error: unknown): void
}
