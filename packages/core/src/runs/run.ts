import type {
  AnswerState,
  ChatOptions,
  Content,
  Message,
  NumberedRunEvent,
  RunEnd,
  ToolChoice,
  ToolDefinition,
} from 'lmapp-kit'
import type { BackendGauge } from '../backends/registry.ts'
import type { BeginRun, Id, NewPath, Owner } from '../store/store.ts'

/** Where a prompt stands in the history, and what of it is not there yet. Its answer hangs below its last message. */
export interface KeptPrompt extends NewPath {
  conversation: Id
  /** Absent: it exists. */
  newConversation?: NonNullable<BeginRun['newConversation']>
}

/** What a front asks for. `kind` says which of the others matter. */
export interface RunRequest {
  kind: 'ask' | 'retry' | 'continue'
  /** Whose conversation it is. */
  owner: Owner
  /** Who may see the run, where that is not the owner: a program that writes into the owner's history. */
  asker?: Owner
  /** Among whom a busy backend is shared out fairly; absent: the asker. */
  client?: string
  /** What the front sent of its environment. */
  environment: Readonly<Record<string, string>>
  /** Model reference; absent: the conversation's, the configured default, else what is found. */
  model?: string
  conversation?: Id
  /** For `retry` and `continue`: the answer. For `ask` without `content`: the question. */
  message?: Id
  /** For `ask`. Absent, with `message`: that is the question, and stored already. */
  content?: Content[]
  /**
   * For `ask` that is not saved, or with `kept`: the turns before it. Without `content` they are all there is; then the last
   * one may be an assistant's, which the answer goes on from.
   */
  messages?: Message[]
  /** For `ask` that is saved: where `messages` are in the history. */
  kept?: KeptPrompt
  system?: string
  options?: ChatOptions
  tools?: ToolDefinition[]
  toolChoice?: ToolChoice
  schema?: Record<string, unknown>
  reasoning?: boolean | 'low' | 'medium' | 'high'
  save: boolean
  failover?: boolean
  terminal?: string
  allowFetch: boolean
  offline: boolean
  /** `false`: it is forgotten once it has ended; nobody will join it then. Default true. */
  replay?: boolean
}

export interface ReadOptions {
  /** Events after this number. Absent: a snapshot, then what is new. */
  from?: number
  /** Ends the reading. */
  signal?: AbortSignal
}

/** One effort to write an answer. It outlives the front that asked, unless it is cancelled. */
export interface Run {
  readonly id: Id
  readonly owner: Owner
  readonly conversation: Id | undefined
  readonly message: Id
  /** `backend/model` that answers now. */
  readonly model: string
  readonly state: AnswerState
  /** Sequence number of the newest event, from 1. */
  readonly seq: number
  readonly end: RunEnd | undefined
  /**
   * Without `from`: one snapshot, then what happens from now on. With it: every event after that number, then live.
   * Ends after `end`. Many may read at once; a reader that leaves disturbs nobody. Of a run without `replay` who comes for
   * what is gone gets a snapshot in its place, and who reads slowly holds the engine back.
   */
  events(options?: ReadOptions): AsyncIterable<NumberedRunEvent>
  /** The same, as many at a time as are there: for who passes them on by the thousand. None is empty. */
  batches(options?: ReadOptions): AsyncIterable<readonly NumberedRunEvent[]>
  /** Ends it `stopped`; resolves when it has ended and is stored. */
  cancel(): Promise<RunEnd>
  /** Resolves when it has ended, whatever the state. Never rejects. */
  readonly ended: Promise<RunEnd>
}

export interface RunManager extends AsyncDisposable {
  /** Resolves when the question is stored and the run exists; it then goes on by itself. Rejects for what is wrong with the request itself. */
  start(request: RunRequest): Promise<Run>
  /** A running run, or one that ended a short while ago. Throws `not-found`. */
  get(id: Id, owner: Owner): Run
  /** Those that are running, newest first. */
  list(owner: Owner): Run[]
  readonly active: number
  /** Those that wait for a backend, or for the answer before theirs. */
  readonly queued: number
  /** Of every backend that was named so far. Costs nothing. */
  gauges(): BackendGauge[]
  /** Resolves when those that run now have ended by themselves. */
  allEnded(): Promise<void>
  /** From now on `start` rejects with `service-unavailable`. Resolves when all that was begun has ended by itself. */
  drain(): Promise<void>
  /** Ends all, `stopped`. */
  stopAll(): Promise<void>
}
