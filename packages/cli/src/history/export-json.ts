import type { Content, ErrorData } from 'lmapp-kit'

/**
 * Raised when a reader of the older version would misunderstand the newer one.
 * 1: the messages of one branch. 2: those of all branches, with `head` at the end of one; `pinned` and `tags`.
 */
export const exportVersion = 2

export interface ExportedMessage {
  id: string
  parentId: string | null
  role: 'system' | 'user' | 'assistant' | 'tool'
  text: string
  parts: readonly Content[]
  /** `running` is written as `incomplete`: what is exported does not go on. */
  state: string
  model: string | null
  reason: string | null
  error: ErrorData | null
  usage: object | null
  timings: object | null
  createdAt: string
}

/** What the API gives of a conversation, and what an import gives, are both one. */
export interface ExportedConversation {
  id: string
  title: string
  system: string | null
  model: string | null
  head: string | null
  createdAt: string
  updatedAt: string
  pinned?: boolean
  tags?: readonly string[]
  messages: readonly ExportedMessage[]
}

/** Everything that is stored of the conversations, in a form that can be read back; in pieces, as it is made. */
export async function* toJsonExport(
  conversations: AsyncIterable<ExportedConversation> | Iterable<ExportedConversation>,
): AsyncGenerator<string> {
  yield `{\n  "format": "lmapp-conversations",\n  "version": ${exportVersion},\n  "conversations": [`
  let before = ''
  for await (const conversation of conversations) {
    yield `${before}\n`
    yield* toPieces(conversation)
    before = ','
  }
  yield before === '' ? ']\n}\n' : '\n  ]\n}\n'
}

function* toPieces(conversation: ExportedConversation): Generator<string> {
  const { id, title, system, model, head, createdAt, updatedAt, pinned, tags, messages } = conversation
  const facts = { id, title, system, model, head, createdAt, updatedAt, pinned, tags }
  yield `${indent(JSON.stringify(facts, null, 2), 4).slice(0, -'\n    }'.length)},\n      "messages": [`
  let before = ''
  for (const message of messages) {
    yield `${before}\n${indent(JSON.stringify(toOrdered(message), null, 2), 8)}`
    before = ','
  }
  yield before === '' ? ']\n    }' : '\n      ]\n    }'
}

/** Always the same members in the same order, so that the same conversation is exported as the same bytes. */
export function toOrdered(message: ExportedMessage): ExportedMessage {
  const { id, parentId, role, text, parts, model, reason, error, usage, timings, createdAt } = message
  const state = message.state === 'running' ? 'incomplete' : message.state
  return { id, parentId, role, text, parts, state, model, reason, error, usage, timings, createdAt }
}

/** Line breaks within JSON are only those between its members. */
function indent(json: string, columns: number): string {
  const space = ' '.repeat(columns)
  return `${space}${json.replaceAll('\n', `\n${space}`)}`
}
