import type { AnswerState, Content, ErrorData, FinishReason, Role, RunEnd, RunEvent, Usage } from 'lmapp-kit'

/** UUIDv7, lower case. */
export type Id = string

/** Who owns what is stored: `owner`, or `key:<id>`. */
export type Owner = string

export interface ConversationSummary {
  id: Id
  title: string
  /** `backend/model` of the last answer, or what was asked for. */
  model: string | null
  /** Last message of the current path. */
  head: Id | null
  /** ISO 8601, UTC. Shown to people; order comes from sequence numbers. */
  createdAt: string
  updatedAt: string
  /** Of the path from root to head. */
  messageCount: number
  pinned: boolean
  /** In the order of their characters. */
  tags: string[]
}

export interface StoredMessage {
  id: Id
  parentId: Id | null
  role: Role
  /** The visible text. */
  text: string
  /** All of it: text, reasoning, tool calls, files. */
  parts: Content[]
  /** `complete` for everything but answers. */
  state: AnswerState
  /** `backend/model` that wrote it; null for questions. */
  model: string | null
  reason: FinishReason | null
  error: ErrorData | null
  /** Of the newest run that wrote it. */
  usage: Usage | null
  timings: Partial<RunEnd['timings']> | null
  createdAt: string
}

export interface Conversation extends ConversationSummary {
  system: string | null
  /** The path from root to head; or the whole tree, parents before their children. */
  messages: StoredMessage[]
}

export interface ConversationFilter {
  owner: Owner
  limit?: number
  /** Only what comes after this one in the list. */
  before?: Id
  tag?: string
  pinned?: boolean
}

export interface FoundConversation {
  conversationId: Id
  /** When the id was that of a message. */
  messageId?: Id
}

/** What `fork` copies. */
export interface ForkPoint {
  /** The last message of the path; default: the head. Its id, not the beginning of it. */
  messageId?: Id
  /** Default: the old title. */
  title?: string
}

export interface ImportMessage extends StoredMessage {
  state: Exclude<AnswerState, 'running'>
}

export interface ImportConversation extends Omit<ConversationSummary, 'messageCount' | 'pinned' | 'tags'> {
  system: string | null
  pinned?: boolean
  tags?: string[]
  /** A tree; a parent comes before its children, or is stored already. */
  messages: ImportMessage[]
}

/** Ids of conversations, each in one of the lists. */
export interface ImportResult {
  imported: Id[]
  /** They were there, and got messages that they lacked. */
  extended: Id[]
  present: Id[]
  /** Messages that were written. */
  messages: number
}

export interface PruneFilter {
  owner: Owner
  /** ISO 8601, UTC, as `updatedAt` has it. */
  before: string
  tag?: string
  dryRun?: boolean
}

export interface VacuumResult {
  freedBytes: number
  /** Of the database and the attachments afterwards. */
  sizeBytes: number
  /** Damaged histories that were set aside: they are left alone, and may hold what was deleted. */
  damaged: string[]
}

/** The resolved request of a run, kept so that `continue` and `retry` mean the same thing later. */
export interface RunSnapshotRecord {
  /** Candidates in order, as `backend/model`. */
  candidates: string[]
  system: string | null
  options: Record<string, unknown>
  /** Everything else that shaped the request: tools, schema, reasoning. */
  request: Record<string, unknown>
}

export interface NewQuestion {
  id: Id
  content: Content[]
  text: string
}

/** Messages that are written each below the one before it, in the same transaction as what comes after them. */
export interface NewPath {
  /** What the first one hangs below; null: nothing. */
  below: Id | null
  /** With any other system prompt than this one the conversation counts as `not-found`. */
  system: string | null
  messages: (NewQuestion & { role: Role })[]
}

export interface BeginRun {
  runId: Id
  owner: Owner
  /** Absent: a new conversation is made, with this id. */
  conversationId: Id
  newConversation?: { title: string; system: string | null; model: string | null }
  /** The question, written in the same transaction. Absent for retry and continue. */
  question?: NewQuestion
  /** Or a whole prompt, where it is not the head that it goes on from. */
  path?: NewPath
  /**
   * `new`: an answer below `parentId` (default: the question, else the last of the path, else the head).
   * `continue`: the run adds to this message, whose text stays.
   */
  answer: { kind: 'new'; id: Id; parentId?: Id } | { kind: 'continue'; id: Id }
  snapshot: RunSnapshotRecord
}

export interface AttemptRecord {
  /** From 1. */
  number: number
  backend: string
  model: string
  engineVersion?: string
  outcome: 'running' | 'finished' | 'failed' | 'cancelled'
  error?: ErrorData
}

export interface EndRun {
  runId: Id
  /** The last events of the run, written in the same transaction, as `appendEvents` would have. */
  rest?: { fromSeq: number; events: RunEvent[] }
  state: Exclude<AnswerState, 'running'>
  model: string | null
  reason?: FinishReason
  error?: ErrorData
  usage: Usage
  timings: Partial<RunEnd['timings']>
}

export interface SearchHit {
  conversationId: Id
  /** For a hit in the title: the first message. */
  messageId: Id
  title: string
  /** Text around the hit on one line; what matched between \u0002 and \u0003. */
  snippet: string
  createdAt: string
}

/** A key of the APIs as it is kept; its secret is not. */
export interface NewKey {
  id: Id
  /** No other key in use has it. */
  name: string
  /** Of the secret. */
  sha256: string
  /** The first characters of the secret, for people. */
  beginning: string
  scopes: string[]
  createdAt: string
}

export interface StoredKey extends NewKey {
  lastUsedAt: string | null
  /** Null: it is in use. */
  revokedAt: string | null
}

/**
 * The history. One SQLite file, one writing connection in a worker thread. Calls need not wait for each other: they
 * are done in the order in which they were made; those that wait share a transaction, and one that fails is undone
 * alone. Everything rejects with `disk-full` (it can be used again when there is room), `store-corrupt` or
 * `store-failed`, and with `not-found` for what does not exist or is another owner's. Disposing waits for what was
 * asked before.
 */
export interface Store extends AsyncDisposable {
  /** Where the damaged history was put, when this one had to be begun anew. */
  readonly setAside?: string

  /**
   * Resolves when it is on disk for good: the question may then leave. Rejects with `busy` when the message to
   * continue is being written.
   */
  beginRun(run: BeginRun): Promise<void>
  /**
   * Appends to the journal of a running run. Resolves when written, not necessarily synced. `fromSeq` gives the order;
   * the same number again replaces what it brought before, so a batch that failed may be sent once more.
   */
  appendEvents(runId: Id, fromSeq: number, events: RunEvent[]): Promise<void>
  /** The same number again replaces what was recorded. */
  recordAttempt(runId: Id, attempt: AttemptRecord): Promise<void>
  /** Folds the journal into the message, sets its state; durable. Idempotent: the first end counts. */
  endRun(end: EndRun): Promise<void>
  /** Answers that a dead service left `running` become `crashed`, with what was journalled. Called once, by the owner of the lock. Resolves to their number. */
  recoverCrashed(): Promise<number>

  /** Pinned ones first, then the one used last; what was imported stands where its time says. */
  listConversations(filter: ConversationFilter): Promise<ConversationSummary[]>
  /**
   * `id` may be the id of a conversation or of a message in it, or an unambiguous prefix of either (≥ 4 characters;
   * conversations come first; several: `bad-input` with `details.candidates`). A message's id selects the path that
   * ends in it, and is then the `head`. An answer that is being written has what was journalled so far. Images are
   * in the parts again; one whose file is missing or damaged, and all beyond 256 MiB, are a text that says so.
   * `branches`: all messages.
   */
  getConversation(id: string, owner: Owner, options?: { branches?: boolean }): Promise<Conversation>
  /** The newest messages right below one, whose whole id is given; the last one comes first. */
  listReplies(messageId: Id, owner: Owner, limit: number): Promise<StoredMessage[]>
  /** What the id or its beginning stands for, as `getConversation` would find it. Reads no message. */
  findConversation(id: string, owner: Owner): Promise<FoundConversation>
  /** The title is a person's from now on. */
  renameConversation(id: Id, title: string, owner: Owner): Promise<void>
  /** Sets a title that a model found; false, and nothing is done, when a person gave one or the conversation is gone. */
  setAutomaticTitle(id: Id, title: string): Promise<boolean>
  setPinned(id: Id, pinned: boolean, owner: Owner): Promise<void>
  /** All of them; what is not among them is removed. */
  setTags(id: Id, tags: string[], owner: Owner): Promise<void>
  /** With all its branches, runs, index rows and attachments; nothing of it stays in the file. */
  deleteConversation(id: Id, owner: Owner): Promise<void>
  /**
   * Copies a path into a new conversation, with new ids: its system prompt, model, tags and the states of the answers
   * too, but no pin. An answer that is being written is copied as far as it came, as `stopped`. Resolves to the new id.
   */
  forkConversation(id: Id, owner: Owner, point?: ForkPoint): Promise<Id>
  /**
   * Writes whole trees, one transaction each. All are checked before the first is written: `bad-input` with
   * `details.conversation` for one whose tree, ids or times are wrong, or whose ids are taken by something else.
   * Of one that is there, title, pin and tags stay; its head moves on when the new one lies below it.
   */
  importConversations(conversations: ImportConversation[], owner: Owner): Promise<ImportResult>
  /** Deletes those last used before a time, never pinned ones, nor one with an answer that is being written. */
  pruneConversations(filter: PruneFilter): Promise<ConversationSummary[]>
  /**
   * Rewrites the file, and removes copies made before migrations and attachments that nothing needs. Rejects with
   * `busy` while answers are being written. Takes as much memory as the history has bytes.
   */
  vacuum(): Promise<VacuumResult>
  /** Moves the head; later messages stay as a branch. */
  setHead(id: Id, head: Id | null, owner: Owner): Promise<void>
  setSystem(id: Id, system: string | null, owner: Owner): Promise<void>
  /**
   * Messages and titles that hold every word of the query: words by their beginning, without case and accents;
   * Chinese, Japanese and whatever has signs in it as it stands. Titles first, then the newest. No word, no hit.
   */
  search(query: string, filter: { owner: Owner; limit?: number }): Promise<SearchHit[]>
  /** The last conversation of this terminal, if any. */
  lastConversation(terminal: string, owner: Owner): Promise<Id | null>
  noteTerminal(terminal: string, conversationId: Id, owner: Owner): Promise<void>
  /** The snapshot of the newest run of a message, whoever owns it: only for what was got by its owner before. */
  getRunSnapshot(messageId: Id): Promise<RunSnapshotRecord | null>
  /** Small remembered facts, such as a proved continuation. */
  getFact(key: string): Promise<string | null>
  setFact(key: string, value: string): Promise<void>

  /** Durable. Rejects with `bad-input` when a key in use has this name. */
  addKey(key: NewKey): Promise<void>
  /** All there ever were, in the order in which they were added. */
  listKeys(): Promise<StoredKey[]>
  /** Durable. Resolves to what it is then; the first time counts. */
  revokeKey(id: Id, revokedAt: string): Promise<StoredKey>
  noteKeyUse(id: Id, usedAt: string): Promise<void>
}
