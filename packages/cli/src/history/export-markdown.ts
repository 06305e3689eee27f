import type { Content } from 'lmapp-kit'
import { formatBytes } from '../output/format.ts'
import { speaker } from './conversation-text.ts'
import { type ExportedConversation, type ExportedMessage, exportVersion, toOrdered } from './export-json.ts'

/**
 * Markdown to read: the messages from the first to the head. Comments make it readable by programs: one line of JSON
 * in `<!-- lmapp:conversation {…} -->` begins a conversation, one in `<!-- lmapp:message {…} -->` begins a message,
 * whose text goes from below its heading to the next such comment, less the line breaks at its end, which are in
 * `textEnd`. What follows `<!-- lmapp:attachments -->` is only for people. A text that holds such a comment itself has
 * a backslash put before `lmapp:`. Of an image there is only its size; the JSON export has it whole.
 */
export async function* toMarkdownExport(
  conversations: AsyncIterable<ExportedConversation> | Iterable<ExportedConversation>,
): AsyncGenerator<string> {
  let before = ''
  for await (const conversation of conversations) {
    yield before
    yield* toPieces(conversation)
    before = '\n'
  }
}

function* toPieces(conversation: ExportedConversation): Generator<string> {
  const { id, title, model, head, createdAt, updatedAt, system, pinned, tags } = conversation
  const facts = { version: exportVersion, id, title, model, head, createdAt, updatedAt, system, pinned, tags }
  yield `${comment('conversation', facts)}\n# ${oneLine(title)}\n`
  for (const message of findPath(conversation)) yield `\n${toSection(message)}`
}

/** From the first message to the head. */
function findPath({ head, messages }: ExportedConversation): ExportedMessage[] {
  const byId = new Map(messages.map((message) => [message.id, message]))
  const path: ExportedMessage[] = []
  for (let id = head ?? messages.at(-1)?.id ?? null; id !== null; ) {
    const message = byId.get(id)
    if (!message) break
    path.push(message)
    byId.delete(id)
    id = message.parentId
  }
  return path.reverse()
}

function toSection(message: ExportedMessage): string {
  const { text, parts, ...facts } = toOrdered(message)
  const textEnd = text.slice(trimLineEnds(text).length)
  const metadata = { ...facts, ...(textEnd && { textEnd }), parts: parts.map((part) => shorten(part, text)) }
  const unfinished = facts.state === 'complete' ? '' : ` (${facts.state})`
  const heading = `## ${oneLine(speaker(message))}${unfinished}\n`
  const notes = parts.flatMap(toNote)
  const attachments = notes.length > 0 ? ['<!-- lmapp:attachments -->', ...notes, ''] : []
  return [comment('message', metadata), heading, `${escapeComments(text)}\n`, ...attachments].join('\n')
}

/** The message's own text stands below; an image is left out. */
function shorten(part: Content, text: string): object {
  if (part.type === 'text' && part.text === text) return { type: 'text' }
  if (part.type === 'image') return { type: 'image', mediaType: part.mediaType, bytes: sizeOf(part.data) }
  return part
}

function toNote(part: Content): string[] {
  if (part.type === 'image') return [`- image: ${part.mediaType}, ${formatBytes(sizeOf(part.data))}`]
  if (part.type === 'file') return [`- file: ${oneLine(part.name)}, ${formatBytes(Buffer.byteLength(part.text))}`]
  return []
}

function sizeOf(base64: string): number {
  return Buffer.byteLength(base64, 'base64')
}

/** In JSON `<` and `>` can be written as escapes, so that nothing in it ends the comment. */
function comment(kind: string, facts: object): string {
  const json = JSON.stringify(facts).replace(/[<>]/g, (character) => (character === '<' ? '\\u003c' : '\\u003e'))
  return `<!-- lmapp:${kind} ${json.replaceAll('--', '-\\u002d')} -->`
}

function escapeComments(text: string): string {
  return text.replace(/^<!-- (\\*)lmapp:/gm, '<!-- $1\\lmapp:')
}

/** Without the line breaks at its end. */
export function trimLineEnds(text: string): string {
  let end = text.length
  while (text[end - 1] === '\n') end--
  return text.slice(0, end)
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim()
}
