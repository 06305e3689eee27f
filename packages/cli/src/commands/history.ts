import type { ApiConversationSummary, ApiSearchHit, LmappClient } from 'lmapp-client'
import { LmappError } from 'lmapp-kit'
import type { Arguments } from '../arguments/parse-arguments.ts'
import { parseCount } from '../arguments/parse-count.ts'
import { type CommandContext, withService } from '../context.ts'
import { toConversationText } from '../history/conversation-text.ts'
import { formatTime } from '../output/format.ts'
import { printNotice } from '../output/print-error.ts'
import { printJson } from '../output/print-json.ts'
import { toOneLine, toTerminalText } from '../output/sanitize.ts'
import type { Style } from '../output/style.ts'
import { toTable, wrap } from '../output/table.ts'

const pageSize = 200

export async function listHistory(context: CommandContext, args: Arguments): Promise<number> {
  const standard = args.has('json') ? Number.MAX_SAFE_INTEGER : 30
  const limit = parseCount('limit', args.value('limit'), { least: 1, default: standard })
  const conversations = await withService(context, (client) => listConversations(client, limit))
  if (args.has('json')) await printJson(context.stdout, conversations)
  else if (conversations.length === 0) await printNotice(context.stderr, 'The history is empty.')
  else await context.stdout.write(toHistoryTable(conversations, context.stdout.columns))
  return 0
}

/** Newest first, page after page. */
export async function listConversations(client: LmappClient, limit: number): Promise<ApiConversationSummary[]> {
  const all: ApiConversationSummary[] = []
  for (;;) {
    const before = all.at(-1)?.id
    const wanted = Math.min(pageSize, limit - all.length)
    const page = await client.listConversations({ limit: wanted, ...(before !== undefined && { before }) })
    all.push(...page)
    if (page.length < wanted || all.length >= limit) return all
  }
}

export async function showHistory(context: CommandContext, args: Arguments): Promise<number> {
  const [id = ''] = args.operands
  const conversation = await withService(context, (client) => client.getConversation(id))
  const { stdout } = context
  if (args.has('json')) await printJson(stdout, conversation)
  else await stdout.write(toConversationText(conversation, stdout.style, stdout.isTerminal))
  return 0
}

export async function searchHistory(context: CommandContext, args: Arguments): Promise<number> {
  const limit = parseCount('limit', args.value('limit'), { least: 1, default: 20 })
  const query = args.operands.join(' ')
  if (query.trim() === '') throw new LmappError('bad-input', 'There is nothing to search for.', { hint: 'Give a word' })
  const hits = await withService(context, (client) => client.search(query, { limit }))
  const { stdout } = context
  if (args.has('json')) await printJson(stdout, hits)
  else if (hits.length === 0) await printNotice(context.stderr, 'Nothing was found.')
  else for (const hit of hits) await stdout.write(toHitText(hit, stdout.style, stdout.columns))
  return 0
}

export async function renameHistory(context: CommandContext, args: Arguments): Promise<number> {
  const [id = '', ...words] = args.operands
  const title = words.join(' ')
  if (title.trim() === '')
    throw new LmappError('bad-input', 'The title is empty.', { hint: 'Give one: lmapp history rename ID TITLE' })
  const renamed = await withService(context, async (client) => {
    const conversation = await client.getConversation(id)
    return client.patchConversation(conversation.id, { title })
  })
  if (args.has('json')) await printJson(context.stdout, { id: renamed.id, title: renamed.title })
  else await context.stdout.write(`${renamed.id} is now called: ${toOneLine(renamed.title)}\n`)
  return 0
}

/** Looks all of them up before it deletes the first. */
export async function deleteHistory(context: CommandContext, args: Arguments): Promise<number> {
  const deleted = await withService(context, async (client) => {
    const ids: string[] = []
    for (const id of args.operands) ids.push((await client.getConversation(id)).id)
    const different = [...new Set(ids)]
    for (const id of different) await client.deleteConversation(id)
    return different
  })
  if (args.has('json')) await printJson(context.stdout, { deleted })
  else await context.stdout.write(deleted.map((id) => `Deleted ${id}.\n`).join(''))
  return 0
}

function toHistoryTable(conversations: readonly ApiConversationSummary[], width: number): string {
  const columns = [{ title: 'ID' }, { title: 'LAST USED' }, { title: 'TITLE', least: 20 }]
  const rows = conversations.map(({ id, updatedAt, title }) => [id, formatTime(updatedAt), toOneLine(title)])
  return toTable(columns, rows, width)
}

/** The snippet's hit stands between \u0002 and \u0003. */
function toHitText(hit: ApiSearchHit, style: Style, width: number): string {
  const facts = `${hit.messageId} · ${formatTime(hit.createdAt)}`
  const lines = wrap(hit.snippet.replace(/\s+/g, ' ').trim(), width - 2)
  const painted = lines.map((line) => `  ${line}\n`).join('')
  const pieces = painted.split('\u0002').map((piece, index) => {
    const [found = '', ...rest] = index === 0 ? ['', piece] : piece.split('\u0003')
    return `${style('yellow', toTerminalText(found))}${toTerminalText(rest.join(''))}`
  })
  return `${style('bold', toOneLine(hit.title))}\n${style('dim', facts)}\n${pieces.join('')}\n`
}
