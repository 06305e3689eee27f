/**
 * The native API, version 1: everything under `/lmapp/v1`. Pure types, shared by the server and every client.
 *
 * Bodies are JSON; writes say so in `content-type`. Every answer carries `x-lmapp: <version>`
 * and `x-lmapp-api: <apiVersion>`.
 * On the socket both sides prove that they know the token and never send it. The client chooses a random nonce:
 * `x-lmapp-auth: <nonce>.<HMAC-SHA256(token, "client:" + nonce)>`, and is answered by
 * `x-lmapp-proof: <HMAC-SHA256(token, "service:" + nonce)>`; all in lower-case hex.
 */
import type {
  BackendInfo,
  ChatOptions,
  Content,
  ErrorData,
  Health,
  Message,
  NumberedRunEvent,
  RunEnd,
  ToolChoice,
  ToolDefinition,
} from 'lmapp-kit'

export const apiVersion = 1
export const apiPrefix = '/lmapp/v1'

/** `GET /health`: no principal needed beyond being allowed to connect. */
export interface ServiceHealth {
  version: string
  apiVersion: number
  pid: number
  /** ISO 8601. */
  since: string
  /** Where TCP is open, when it is: `http://127.0.0.1:5627`. */
  address?: string
  foreground: boolean
  activeRuns: number
  queuedRuns: number
}

/** `POST /runs`. */
export interface CreateRun {
  /** A model reference; absent: the configured default, else what is found. */
  model?: string
  /**
   * What to answer.
   * `ask`: a new question, in a conversation or a new one.
   * `retry`: another answer to the same question, a sibling. `message`: the answer to replace; default: the head.
   * `continue`: goes on with an unfinished answer, same message.
   */
  kind?: 'ask' | 'retry' | 'continue'
  /** Id of a conversation; a new one when absent. */
  conversation?: string
  /** For `continue` and `retry`: id of the answer. */
  message?: string
  /** For `ask`. */
  content?: Content[]
  /** For `ask` with `save: false`, which has no conversation: the turns before the question. */
  messages?: Message[]
  /** System prompt: sets that of a new conversation, changes that of an old one. */
  system?: string
  options?: ChatOptions
  tools?: ToolDefinition[]
  toolChoice?: ToolChoice
  schema?: Record<string, unknown>
  reasoning?: boolean | 'low' | 'medium' | 'high'
  /** `false`: nothing is written. Default true. */
  save?: boolean
  failover?: boolean
  /** This terminal, so that `continue` finds the conversation later. */
  terminal?: string
  /** Whether the default model may be fetched without a question. Default true; the service refuses when offline. */
  allowFetch?: boolean
  /** The client's `LMAPP_OFFLINE`. */
  offline?: boolean
  /** End the run when this connection closes; only with an event stream. Default false: the run goes on and can be joined. */
  cancelOnDisconnect?: boolean
}

/** `GET /runs/:id`, and the answer to `POST /runs` without an event stream. */
export interface RunInfo {
  id: string
  conversation?: string
  message: string
  model: string
  state: 'running' | RunEnd['state']
  /** Sequence number of the newest event. */
  seq: number
  end?: RunEnd
}

/**
 * `POST /runs` with `accept: text/event-stream`, and `GET /runs/:id/events`:
 * server-sent events, `id:` the sequence number, `data:` the event as JSON.
 * `GET` without `from` or `last-event-id` begins with one snapshot; with it, replays what came after that number.
 * The answer to `POST` has the run's id in the header `x-lmapp-run`, before any event.
 */
export type RunEventStream = AsyncIterable<NumberedRunEvent>

/** `GET /backends`, `/backends/:id`; also the answer to `POST /backends/:id/start` and `/stop`. */
export interface ApiBackend {
  /** Its id. */
  name: string
  type: string
  /**
   * `slow`: it accepts connections, and has not answered yet. `available`: a package that is on this machine, and runs
   * only once it is installed as a backend.
   */
  state: Health['state'] | 'unreachable' | 'slow' | 'disabled' | 'available'
  /** Why it is in that state, for a person; null when all is well. */
  reason: string | null
  /** The command that mends it, where the service knows it. */
  mend?: string
  version: string | null
  execution: 'built-in' | 'subprocess' | 'ffi' | 'grpc'
  owner: 'lmapp' | 'external'
  /** Who keeps it running, for people, where that is not lmapp. */
  managedBy?: string
  /** The command by which its manager restarts it. */
  restart?: string
  /** Where its program is on this machine. */
  program?: string
  /** Whether lmapp starts it when it is needed. */
  startable?: boolean
  address?: string
  /** Of a plugin that `lmapp backends install` put there. */
  installed?: { version: string; from: string; sha256: string; at: string }
  /** What a person should know of it although it works, such as another one of its name that is left out. */
  notes?: string[]
  breaker: { state: 'closed' | 'open' | 'half-open'; retryAt?: string; reason?: string }
  info?: BackendInfo
  health?: Health
}

/** `GET /backends/:name/logs?lines=`. */
export interface ApiBackendLog {
  log: string
}

/** `POST /embed`. */
export interface CreateEmbedding {
  /** A model reference; absent: the configured default, else what is found that can do it. */
  model?: string
  /** At least one; none empty. */
  input: string[]
  offline?: boolean
}

export interface ApiEmbedding {
  /** `backend/model` that did it. */
  model: string
  dimensions: number
  /** One for each input, in its order: base64 of little-endian float32. */
  vectors: string[]
  inputTokens?: number
}

/** What configuration names of the front's environment (`OLLAMA_HOST`, keys), sent with each request as the header `x-lmapp-environment`: base64 of this as JSON. */
export type ForwardedEnvironment = Record<string, string>

/** Body of every answer that is not 2xx. */
export interface ApiError {
  error: ErrorData
}
