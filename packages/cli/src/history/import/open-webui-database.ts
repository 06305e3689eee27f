import { describeConversation, type ReadContext } from './context.ts'
import type { ImportedConversation } from './imported.ts'
import { isOpenWebUiChat, readOpenWebUiChat } from './open-webui.ts'
import type { ForeignDatabase } from './sqlite.ts'
import { type Fields, parseJson, toCleanText, toCount, toFields, toNonEmpty } from './values.ts'

/** The database of Open WebUI (`webui.db`) when it is SQLite. */
export function isOpenWebUiDatabase(database: ForeignDatabase): boolean {
  return database.has('chat', 'chat') && database.has('chat', 'user_id')
}

const mostChatBytes = 256 * 1024 * 1024

/** The one that was used last comes last. Chats of all its users, since a database does not say who is asking. */
export async function* readOpenWebUiDatabase(
  database: ForeignDatabase,
  context: ReadContext,
): AsyncGenerator<ImportedConversation> {
  const users = [...database.rows('SELECT count(DISTINCT user_id) AS count FROM chat')][0]?.count
  if (Number(users) > 1) context.notices.add('users', 'chat', `it holds the chats of ${users} users; all were taken`)
  const rows = [
    ...database.rows('SELECT rowid AS row, title, length(chat) AS size FROM chat ORDER BY updated_at, rowid'),
  ]
  for (const [index, { row, title, size }] of rows.entries()) {
    const where = describeConversation(index + 1, toCleanText(title))
    if ((toCount(size) ?? 0) > mostChatBytes) {
      context.notices.add('conversation', where, `it is larger than ${mostChatBytes} bytes`)
      continue
    }
    const conversation = readRow(database, row as bigint, index + 1, where, context)
    if (conversation) yield conversation
  }
}

function readRow(database: ForeignDatabase, row: bigint, number: number, where: string, context: ReadContext) {
  const [found] = database.rows('SELECT * FROM chat WHERE rowid = ?', row)
  const chat = withRows(database, String(found?.id), toFields(parseJson(found?.chat)))
  const value: Fields = { ...found, chat, meta: parseJson(found?.meta) }
  if (chat && isOpenWebUiChat(value)) return readOpenWebUiChat(value, number, context)
  context.notices.add('conversation', where, 'what it holds is no chat')
  return undefined
}

/** Since 0.9 or so messages are rows too; the chat has them as well, and what it has not is taken from the rows. */
function withRows(database: ForeignDatabase, chatId: string, chat: Fields | undefined): Fields | undefined {
  if (!chat || !database.has('chat_message', 'parent_id')) return chat
  const history = toFields(chat.history) ?? {}
  const messages: Fields = { ...toFields(history.messages) }
  for (const row of database.rows('SELECT * FROM chat_message WHERE chat_id = ? ORDER BY created_at, rowid', chatId)) {
    const id = String(row.id).startsWith(`${chatId}-`) ? String(row.id).slice(chatId.length + 1) : String(row.id)
    if (!Object.hasOwn(messages, id)) messages[id] = toMessage(row)
  }
  return { ...chat, history: { ...history, messages } }
}

function toMessage(row: Fields): Fields {
  const { role, parent_id, model_id, created_at, done } = row
  const [content, output, files, error, usage] = ['content', 'output', 'files', 'error', 'usage'].map((name) => {
    const value = row[name ?? '']
    return parseJson(value) ?? value
  })
  const parentId = toNonEmpty(parent_id) ?? null
  return {
    role,
    parentId,
    content,
    output,
    files,
    error,
    usage,
    model: model_id,
    timestamp: created_at,
    done: Number(done) !== 0,
  }
}
