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
import type { Id, Owner } from '../store/store.ts'

/** What a front asks for. `kind` says which of the others matter. */
export interface RunRequest {
  kind: 'ask' | 'retry' | 'continue'
  owner: Owner
  /** What the front sent of its environment. */
  environment: Readonly<Record<string, string>>
  /** Model reference; absent: the conversation's, the configured default, else what is found. */
  model?: string
  conversation?: Id
  /** For `retry` and `continue`: the answer. */
  message?: Id
  /** For `ask`. */
  content?: Content[]
  /** For `ask` that is not saved: the turns before it. */
  messages?: Message[]
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
   * Ends after `end`. Many may read at once; a reader that leaves disturbs nobody.
   */
  events(options?: { from?: number; signal?: AbortSignal }): AsyncIterable<NumberedRunEvent>
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
  readonly queued: number
  /** Resolves when those that run now have ended by themselves. */
  allEnded(): Promise<void>
  /** Ends all, `stopped`. */
  stopAll(): Promise<void>
}
