import type { ApiConversation, ApiMessage } from 'lmapp-client'
import { speaker } from './conversation-text.ts'
import { exportVersion } from './export-json.ts'

/**
 * Markdown to read, with comments that a reader of it can be built on: one line of JSON in
 * `<!-- lmapp:conversation {…} -->` begins a conversation, one in `<!-- lmapp:message {…} -->` begins a message,
 * whose text goes from below its heading to the next such comment, less the line breaks at its end.
 * A text that holds such a comment itself has a backslash put before `lmapp:`.
 */
export function toMarkdownExport(conversations: readonly ApiConversation[]): string {
  return conversations.map(toMarkdown).join('\n')
}

function toMarkdown(conversation: ApiConversation): string {
  const { id, title, model, head, createdAt, updatedAt, system, messages } = conversation
  const facts = { version: exportVersion, id, title, model, head, createdAt, updatedAt, system }
  return [comment('conversation', facts), `# ${oneLine(title)}\n`, ...messages.map(toSection)].join('\n')
}

function toSection(message: ApiMessage): string {
  const { text, parts, ...facts } = message
  const others = parts.filter(({ type }) => type !== 'text')
  const metadata = { ...facts, ...(others.length > 0 && { parts }) }
  const unfinished = message.state === 'complete' ? '' : ` (${message.state})`
  const heading = `## ${oneLine(speaker(message))}${unfinished}\n`
  return [comment('message', metadata), heading, `${escapeComments(text)}\n`].join('\n')
}

/** In JSON `<` and `>` can be written as escapes, so that nothing in it ends the comment. */
function comment(kind: string, facts: object): string {
  const json = JSON.stringify(facts).replace(/[<>]/g, (character) => (character === '<' ? '\\u003c' : '\\u003e'))
  return `<!-- lmapp:${kind} ${json.replaceAll('--', '-\\u002d')} -->`
}

function escapeComments(text: string): string {
  return text.replace(/^<!-- (\\*)lmapp:/gm, '<!-- $1\\lmapp:')
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim()
}
