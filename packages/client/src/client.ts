import type { ModelInfo, NumberedRunEvent } from 'lmapp-kit'
import type { ApiBackend, ApiEmbedding, CreateEmbedding, CreateRun, RunInfo, ServiceHealth } from './api.ts'
import type {
  ApiConversation,
  ApiConversationSummary,
  ApiSearchHit,
  ForkConversation,
  ImportConversations,
  ImportedConversations,
  PatchConversation,
  PruneConversations,
  PrunedConversations,
  VacuumedHistory,
} from './api-conversations.ts'
import type { ApiKey, CreatedKey, CreateKey } from './api-keys.ts'
import type { ApiModel, PullEvent, PullModel, RemovedModel } from './api-models.ts'

export interface RequestOptions {
  signal?: AbortSignal
}

/** A run that was just created: its id at once, then its events. */
export interface CreatedRun {
  id: string
  /** Begins with `start`; ends after `end`. Throws `service-unavailable` when the connection breaks before `end`. */
  events: AsyncIterable<NumberedRunEvent>
}

/**
 * Every call of the native API. All reject with `LmappError`: what the service answered, or
 * `service-unavailable` when it cannot be reached or the connection breaks. Its `details.stage` says how far it came:
 * `connect` (nothing was sent: safe to send again), `answer`, `stream`. An aborted call rejects with the signal's reason.
 */
export interface LmappClient {
  health(options?: RequestOptions): Promise<ServiceHealth>
  /** Ends the service: running answers end `stopped` and are kept. */
  stopService(options?: RequestOptions): Promise<void>

  createRun(request: CreateRun, options?: RequestOptions): Promise<CreatedRun>
  /** Without `from`: a snapshot, then live. With it: replay after that number. */
  joinRun(id: string, options?: RequestOptions & { from?: number }): AsyncIterable<NumberedRunEvent>
  getRun(id: string, options?: RequestOptions): Promise<RunInfo>
  /** Running runs of this principal, newest first. */
  listRuns(options?: RequestOptions): Promise<RunInfo[]>
  /** Resolves when it has ended and is stored. */
  cancelRun(id: string, options?: RequestOptions): Promise<RunInfo>

  /** Those of one call after the other, with `before` the last id, are all of them. */
  listConversations(
    options?: RequestOptions & { limit?: number; before?: string; tag?: string; pinned?: boolean },
  ): Promise<ApiConversationSummary[]>
  /** Id of a conversation or of a message in it, or an unambiguous prefix. `branches`: the whole tree of messages. */
  getConversation(id: string, options?: RequestOptions & { branches?: boolean }): Promise<ApiConversation>
  /** The last one of this terminal; throws `not-found`. */
  lastConversation(terminal: string, options?: RequestOptions): Promise<ApiConversation>
  patchConversation(id: string, patch: PatchConversation, options?: RequestOptions): Promise<ApiConversation>
  deleteConversation(id: string, options?: RequestOptions): Promise<void>
  forkConversation(id: string, fork: ForkConversation, options?: RequestOptions): Promise<ApiConversation>
  importConversations(request: ImportConversations, options?: RequestOptions): Promise<ImportedConversations>
  pruneConversations(request: PruneConversations, options?: RequestOptions): Promise<PrunedConversations>
  /** Gives the space of what was deleted back to the disk. */
  vacuumHistory(options?: RequestOptions): Promise<VacuumedHistory>
  search(query: string, options?: RequestOptions & { limit?: number }): Promise<ApiSearchHit[]>

  listModels(options?: RequestOptions & { backend?: string }): Promise<ApiModel[]>
  showModel(ref: string, options?: RequestOptions): Promise<ApiModel>
  /** Ends after `done`; throws what `error` carried. */
  pullModel(request: PullModel, options?: RequestOptions): AsyncIterable<PullEvent>
  removeModel(ref: string, options?: RequestOptions): Promise<RemovedModel>
  /** Resolves a reference as a run would; throws `model-not-found` or `model-ambiguous`. */
  resolveModel(ref: string, options?: RequestOptions): Promise<{ refs: string[]; notice?: string }>

  /** One vector for each input. Throws `unsupported` where the model cannot do it. */
  embed(request: CreateEmbedding, options?: RequestOptions): Promise<ApiEmbedding>

  listBackends(options?: RequestOptions): Promise<ApiBackend[]>
  showBackend(name: string, options?: RequestOptions): Promise<ApiBackend & { models?: ModelInfo[] }>
  /** Throws what keeps the engine from starting. Idempotent. */
  startBackend(name: string, options?: RequestOptions): Promise<ApiBackend>
  /** Throws `not-owner` for what lmapp did not start. Idempotent. */
  stopBackend(name: string, options?: RequestOptions): Promise<ApiBackend>
  /** The tail of its log, at most `lines`. */
  backendLogs(name: string, options?: RequestOptions & { lines?: number }): Promise<string>

  /** Revoked ones too, in the order in which they were created. */
  listKeys(options?: RequestOptions): Promise<ApiKey[]>
  createKey(request: CreateKey, options?: RequestOptions): Promise<CreatedKey>
  /** The next request with it is refused. Throws `not-found` with the nearest name. */
  revokeKey(name: string, options?: RequestOptions): Promise<ApiKey>
}

/** How bytes reach the service. `node.ts` has one for Unix sockets over `node:http`, the browser uses `fetch`. */
export interface Transport {
  /** Resolves when the status and headers are there. Rejects with `service-unavailable` when nothing answers. */
  send(request: TransportRequest): Promise<TransportResponse>
}

export interface TransportRequest {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** With the prefix and the query: `/lmapp/v1/runs`. */
  path: string
  headers: Record<string, string>
  body?: string
  signal?: AbortSignal
}

export interface TransportResponse {
  status: number
  headers: Record<string, string | undefined>
  /** Decoded UTF-8, no character split over two chunks. Leaving the loop closes the connection. */
  body: AsyncIterable<string>
}
