/** The native API, version 1: what was said. Everything here is its owner's only. */
import type { AnswerState, Content, ErrorData, FinishReason, Role, RunEnd } from 'lmapp-kit'

/** `GET /conversations?limit=&before=&tag=&pinned=`: pinned ones first, then the one used last. */
export interface ApiConversationSummary {
  id: string
  title: string
  /** `backend/model` of the last answer, or what was asked for. */
  model: string | null
  head: string | null
  createdAt: string
  updatedAt: string
  messageCount: number
  pinned: boolean
  /** In alphabetical order. */
  tags: string[]
}

export interface ApiMessage {
  id: string
  parentId: string | null
  role: Role
  text: string
  parts: Content[]
  state: AnswerState
  model: string | null
  reason: FinishReason | null
  error: ErrorData | null
  usage: RunEnd['usage'] | null
  timings: Partial<RunEnd['timings']> | null
  createdAt: string
}

/** `GET /conversations/:id`. */
export interface ApiConversation extends ApiConversationSummary {
  system: string | null
  /** The path from root to head; with `?branches=true` the whole tree, parents before their children. */
  messages: ApiMessage[]
}

/** `GET /search?q=&limit=`. */
export interface ApiSearchHit {
  conversationId: string
  messageId: string
  title: string
  /** The hit stands between \u0002 and \u0003. */
  snippet: string
  createdAt: string
}

/** `PATCH /conversations/:id`. */
export interface PatchConversation {
  title?: string
  head?: string | null
  system?: string | null
  pinned?: boolean
  /** All of them; an empty list removes what was there. */
  tags?: string[]
}

/** `POST /conversations/:id/fork`: a new conversation with a copy of the path; the old one stays as it is. */
export interface ForkConversation {
  /** The last message to take along; default: the head. */
  message?: string
  /** Default: the old title. */
  title?: string
}

export interface ImportMessage extends Omit<ApiMessage, 'state'> {
  state: Exclude<AnswerState, 'running'>
}

export interface ImportConversation extends Omit<ApiConversationSummary, 'messageCount' | 'pinned' | 'tags'> {
  system: string | null
  pinned?: boolean
  tags?: string[]
  /** A tree with all its branches; a parent comes before its children. */
  messages: ImportMessage[]
}

/** `POST /conversations/import`. One that is there already, by its id, gets only the messages that it lacks. */
export interface ImportConversations {
  conversations: ImportConversation[]
}

export interface ImportedConversations {
  /** Ids of those that are new. */
  imported: string[]
  /** Ids of those that got messages they lacked. */
  extended: string[]
  /** Ids of those that were there with all of it. */
  present: string[]
  messages: number
}

/** `POST /conversations/prune`: deletes those that were last used before that time, never pinned ones. */
export interface PruneConversations {
  /** ISO 8601. */
  before: string
  /** Only those with this tag. */
  tag?: string
  /** Nothing is deleted; the answer says what would be. */
  dryRun?: boolean
}

export interface PrunedConversations {
  conversations: ApiConversationSummary[]
}

/** `POST /history/vacuum`. */
export interface VacuumedHistory {
  freedBytes: number
  /** Of the whole history afterwards. */
  sizeBytes: number
  /** Damaged histories that were set aside. They are left alone, and may hold what was deleted. */
  damaged: string[]
}
