import type { RunManager } from '@lmapp/core/runs'
import type { Owner, Store } from '@lmapp/core/store'
import type {
  ApiBackend,
  ApiKey,
  ApiModel,
  CreatedKey,
  CreateEmbedding,
  CreateKey,
  PullEvent,
  PullModel,
  RemovedModel,
  ServiceHealth,
} from 'lmapp-client'
import type { Embedding, Message, ModelInfo, ToolDefinition } from 'lmapp-kit'
import type { Doorkeeper } from './access/identify.ts'
import type { Metrics } from './metrics/create-metrics.ts'

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
  /** Brings a model into memory. Does nothing where the engine does that by itself, and where it is there. */
  load(caller: Caller, ref: string): Promise<{ ref: string }>
  /** Takes it out of memory again, where the engine can. */
  unload(caller: Caller, ref: string): Promise<{ ref: string }>
  /** Names that configuration gives to models, and what each stands for, in order. */
  aliases(caller: Caller): Promise<{ name: string; refs: string[] }[]>
  /** Gives a model another name, and takes it away again: an alias of the configuration. */
  copy(caller: Caller, ref: string, name: string): Promise<void>
  unname(caller: Caller, name: string): Promise<void>
}

/** The keys by which programs are let in. */
export interface KeysOfApp {
  /** Revoked ones too. */
  list(): Promise<ApiKey[]>
  /** Throws `bad-input` for a name that is taken or cannot be one. */
  create(request: CreateKey): Promise<CreatedKey>
  /** Throws `not-found`. */
  revoke(name: string): Promise<ApiKey>
}

/** What configuration says of those who come by TCP; read anew when the file changed. */
export interface ServeSettings {
  /** Whether guests may have models fetched. */
  readonly allowPull: boolean
  readonly requireKey: boolean
  /** Whether what programs ask is kept in the history. */
  readonly history: boolean
  readonly origins: readonly string[]
  readonly hosts: readonly string[]
}

export interface CountTokens {
  /** Model reference; absent: the configured default, else what is found. */
  model?: string
  messages: Message[]
  tools?: ToolDefinition[]
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
export interface ServerApp extends Doorkeeper {
  readonly version: string
  /** The secret that this service shares with the fronts of its user. */
  readonly token: string
  readonly serve: ServeSettings
  /** Looks whether the configuration changed; undefined when it did a moment ago. */
  refresh?(): Promise<void> | undefined
  readonly runs: Pick<RunManager, 'start' | 'get' | 'list'>
  readonly store: Pick<
    Store,
    | 'listConversations'
    | 'getConversation'
    | 'listReplies'
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
  readonly keys: KeysOfApp
  readonly models: ModelsOfApp
  readonly backends: BackendsOfApp
  embed(caller: Caller, request: CreateEmbedding): Promise<Embedding & { model: string }>
  /** Tokens that a model would read for these messages. */
  countTokens(caller: Caller, request: CountTokens): Promise<{ model: string; tokens: number; exact: boolean }>
  health(): ServiceHealth
  /** Counts, where somebody may ask for it. */
  readonly metrics?: Metrics
  /** Begins to end the service. Called when the answer to the one who asked for it has left. */
  stop(): void
  /** Called when `activeRequests` of the server changed. */
  onActivity?(): void
  /** Takes what nobody foresaw, for the log. The client is told only that it happened. */
  onBug(error: unknown): void
}
