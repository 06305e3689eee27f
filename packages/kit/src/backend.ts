import type { Capabilities } from './capability.ts'
import type { ChatRequest } from './chat-request.ts'
import type { Part, Progress } from './part.ts'

export type BackendState = 'stopped' | 'starting' | 'running' | 'stopping' | 'failed'

export interface ModelHealth {
  id: string
  state: 'unloaded' | 'loading' | 'ready'
  /** Of loading, 0 to 1. */
  progress?: number
}

/** The answer of `is_running`. It comes at once, also while chats run. */
export interface Health {
  running: boolean
  state: BackendState
  /** Why it works less well than it should, for a person. */
  degraded?: string
  /** Chats being answered now. */
  active: number
  queued: number
  models: ModelHealth[]
}

export interface ModelInfo {
  /** What `ChatRequest.model` takes. */
  id: string
  sizeBytes?: number
  /** ISO 8601. */
  modifiedAt?: string
  /** As `Q4_K_M`. */
  quantization?: string
  /** As `135M`. */
  parameters?: string
  family?: string
  /** The most the model was trained for, in tokens. */
  contextLength?: number
  loaded?: boolean
  capabilities?: Capabilities
  /** SPDX id or a few words. */
  license?: string
  /** Content digest, `sha256:…`, where the engine knows one. */
  digest?: string
  /** Where the file is on this machine, when it is one. */
  path?: string
  /** The prompt template's text; only from `showModel`. */
  template?: string
}

export interface BackendInfo {
  /** The adapter's own name, as `ollama`. */
  name: string
  /** Version of the adapter. */
  version: string
  interfaceVersion: string
  /** Version of the engine behind it, once it is known. */
  engineVersion?: string
  /** For people: what engine at which address. */
  description?: string
  capabilities: Capabilities
}

export interface CallOptions {
  signal?: AbortSignal
}

export interface Embedding {
  vectors: Float32Array[]
  inputTokens?: number
}

/** One step of a pull. The last one has `done: true`; a pull that ends without it failed. */
export interface PullProgress {
  status: string
  progress?: Progress
  done?: boolean
}

/** The members of a chat that shape its prompt. */
export type CountRequest = Pick<ChatRequest, 'model' | 'messages' | 'tools'>

/** Exact when the engine's own tokenizer counted the rendered prompt. */
export interface TokenCount {
  tokens: number
  exact: boolean
}

/**
 * One reachable engine: the contract, interface version 1.0.
 * Every method rejects with an `LmappError` for what can be expected to fail.
 * Disposing stops what `start` started, and nothing else.
 */
export interface Backend extends AsyncDisposable {
  /** Makes the engine ready to be asked. Idempotent: a second call joins the first. */
  start(options?: CallOptions): Promise<void>
  /** Ends what `start` began: running chats end with `cancelled` or throw `backend-stopped`. Idempotent. */
  stop(): Promise<void>
  isRunning(options?: CallOptions): Promise<Health>
  /**
   * Streams until one `finish` part, or throws. Stops the engine when the reader leaves or `signal` aborts;
   * on abort it yields `finish` with `cancelled` and what it used.
   */
  chat(request: ChatRequest, options?: CallOptions): AsyncIterable<Part>
  listModels(options?: CallOptions): Promise<ModelInfo[]>
  getInfo(options?: CallOptions): Promise<BackendInfo>

  /** Details of one model; throws `model-not-found`. Without it, the entry of `listModels` is all there is. */
  showModel?(model: string, options?: CallOptions): Promise<ModelInfo>
  embed?(request: { model: string; input: string[] }, options?: CallOptions): Promise<Embedding>
  /**
   * Tokens that the engine would read for these messages and tools. No model is loaded for it: where the engine would
   * have to, it is an estimate.
   */
  countTokens?(request: CountRequest, options?: CallOptions): Promise<TokenCount>
  loadModel?(model: string, options?: CallOptions): Promise<void>
  unloadModel?(model: string, options?: CallOptions): Promise<void>
  pullModel?(model: string, options?: CallOptions): AsyncIterable<PullProgress>
  removeModel?(model: string, options?: CallOptions): Promise<void>
}

export const interfaceVersion = '1.0'
