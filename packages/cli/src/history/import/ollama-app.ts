import type { Content, Role } from 'lmapp-kit'
import { type AttachmentReader, createAttachmentReader, mostAttachmentBytes } from './attachments.ts'
import { describeConversation, type ReadContext } from './context.ts'
import { toImportedId } from './ids.ts'
import type { ImportedConversation } from './imported.ts'
import { chooseTitle, createMessage, lastModel, toTextParts } from './message.ts'
import type { ForeignDatabase } from './sqlite.ts'
import { buildTree, type TreeNode } from './tree.ts'
import { type Fields, toCleanText, toNonEmpty, toTime } from './values.ts'

/** The database of Ollama's desktop app (`db.sqlite`), as its `app/store/database.go` makes it, from version 2 on. */
export function isOllamaDatabase(database: ForeignDatabase): boolean {
  return database.tables.has('chats') && database.has('messages', 'chat_id') && database.has('messages', 'thinking')
}

interface Reader {
  database: ForeignDatabase
  context: ReadContext
  attachments: AttachmentReader
  where: string
  /** Calls that have no result yet: a result does not name its call. */
  open: { id: string; name: string }[]
}

/** The one that was used last comes last. */
export async function* readOllamaApp(
  database: ForeignDatabase,
  context: ReadContext,
): AsyncGenerator<ImportedConversation> {
  const chats = `SELECT id, title, created_at FROM chats
    ORDER BY coalesce((SELECT max(updated_at) FROM messages WHERE chat_id = chats.id), created_at), rowid`
  let number = 0
  for (const chat of [...database.rows(chats)]) {
    const where = describeConversation(++number, toCleanText(chat.title))
    const attachments = createAttachmentReader(context.notices)
    yield readChat({ database, context, attachments, where, open: [] }, chat)
  }
}

function readChat(reader: Reader, chat: Fields): ImportedConversation {
  const { database, context, where } = reader
  const id = String(chat.id)
  const rows = [...database.rows('SELECT * FROM messages WHERE chat_id = ? ORDER BY id', id)]
  const createdAt = toTime(chat.created_at) ?? toTime(rows[0]?.created_at) ?? context.modified
  const nodes: TreeNode[] = []
  for (const row of rows) {
    const node = toNode(reader, row, createdAt)
    if (node) nodes.push({ ...node, parentKey: nodes.at(-1)?.key ?? null })
  }
  const toId = (key: string) => toImportedId('ollama-app', id, key)
  const tree = buildTree(nodes, { head: null, toId, where, notices: context.notices })
  const times = rows.flatMap((row) => toTime(row.updated_at) ?? [])
  return {
    id: toImportedId('ollama-app', id),
    title: chooseTitle(toCleanText(chat.title), tree.messages),
    system: null,
    model: lastModel(tree.messages),
    createdAt,
    updatedAt: times.reduce((last, time) => (time > last ? time : last), createdAt),
    ...tree,
  }
}

const roles: Readonly<Record<string, Role>> = { system: 'system', user: 'user', assistant: 'assistant', tool: 'tool' }

function toNode(reader: Reader, row: Fields, begun: string): Omit<TreeNode, 'parentKey'> | undefined {
  const name = String(row.role)
  const role = Object.hasOwn(roles, name) ? roles[name] : undefined
  if (!role) {
    reader.context.notices.add('message', reader.where, `it is of "${name}", which is not known`)
    return undefined
  }
  const content = toCleanText(row.content) ?? ''
  const thinking = toNonEmpty(row.thinking)
  const parts: Content[] =
    role === 'tool'
      ? [readToolResult(reader, row, content)]
      : [
          ...(thinking ? [{ type: 'reasoning', text: thinking } as const] : []),
          ...readAttachments(reader, row.id as bigint),
          ...toTextParts(content),
          ...readToolCalls(reader, row.id as bigint),
        ]
  // While an answer is being written `stream` is set; found set later, it broke off.
  const brokeOff = role === 'assistant' && Number(row.stream) === 1
  const message = createMessage({
    role,
    parts,
    model: role === 'assistant' ? (toNonEmpty(row.model_name) ?? null) : null,
    state: brokeOff ? 'incomplete' : 'complete',
    createdAt: toTime(row.created_at) ?? begun,
  })
  return { key: String(row.id), message }
}

function readAttachments({ database, attachments, where }: Reader, messageId: bigint): Content[] {
  if (!database.has('attachments', 'data')) return []
  const statement = `SELECT filename, CASE WHEN length(data) <= ${mostAttachmentBytes} THEN data END AS bytes
    FROM attachments WHERE message_id = ? ORDER BY id`
  return Array.from(database.rows(statement, messageId)).flatMap(({ filename, bytes }) => {
    const name = toNonEmpty(filename) ?? 'attachment'
    if (bytes instanceof Uint8Array) return attachments.read({ name, bytes }, where)
    return attachments.miss(name, where, `larger than ${mostAttachmentBytes} bytes`)
  })
}

function readToolCalls({ database, open }: Reader, messageId: bigint): Content[] {
  if (!database.tables.has('tool_calls')) return []
  const rows = [...database.rows('SELECT * FROM tool_calls WHERE message_id = ? ORDER BY id', messageId)]
  return rows.map((row) => {
    const call = { id: `call-${row.id}`, name: toCleanText(row.function_name) ?? '' }
    open.push(call)
    return { type: 'tool-call', ...call, arguments: toCleanText(row.function_arguments) ?? '' }
  })
}

function readToolResult({ open }: Reader, row: Fields, content: string): Content {
  const { id, name } = open.shift() ?? { id: `call-of-${row.id}`, name: '' }
  return { type: 'tool-result', id, name, text: content || toCleanText(row.tool_result) || '' }
}
