import type { AnswerState, Content, ErrorData, FinishReason, Role, RunEnd } from 'lmapp-kit'

/** A message as `POST /conversations/import` takes it, wherever it came from. */
export interface ImportedMessage {
  id: string
  parentId: string | null
  role: Role
  text: string
  parts: Content[]
  state: Exclude<AnswerState, 'running'>
  model: string | null
  reason: FinishReason | null
  error: ErrorData | null
  usage: RunEnd['usage'] | null
  timings: Partial<RunEnd['timings']> | null
  /** ISO 8601. */
  createdAt: string
}

export interface ImportedConversation {
  /** lmapp's own, or a UUID that is the same whenever the same conversation is read. */
  id: string
  title: string
  system: string | null
  model: string | null
  /** The last message of the branch that is shown. */
  head: string | null
  /** ISO 8601. */
  createdAt: string
  updatedAt: string
  pinned?: boolean
  tags?: string[]
  /** The whole tree, all branches; a parent comes before its children. */
  messages: ImportedMessage[]
}

/** What of a file was not taken. */
export interface ImportNotice {
  /** As `conversation`, `image`, `message`. */
  what: string
  /** As `conversation 3 "Cats", message 12`. */
  where: string
  why: string
  /** How many it stands for; absent: one. */
  count?: number
}

export type ImportKind =
  | 'lmapp-json'
  | 'lmapp-markdown'
  | 'llm'
  | 'ollama-app'
  | 'ollama-modelfile'
  | 'open-webui'
  | 'open-webui-database'
  | 'chatgpt'
