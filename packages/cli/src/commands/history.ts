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

export interface ListFilter {
  tag?: string
  pinned?: boolean
}

export async function listHistory(context: CommandContext, args: Arguments): Promise<number> {
  const asJson = args.has('json')
  const limit = parseCount('limit', args.value('limit'), { least: 1, default: asJson ? Number.MAX_SAFE_INTEGER : 30 })
  const tag = args.value('tag')
  const filter: ListFilter = { ...(tag !== undefined && { tag }), ...(args.has('pinned') && { pinned: true }) }
  const conversations = await withService(context, (client) =>
    asJson ? listNewestFirst(client, limit, filter) : listConversations(client, limit, filter),
  )
  if (asJson) await printJson(context.stdout, conversations)
  else if (conversations.length > 0) await context.stdout.write(toHistoryTable(conversations, context.stdout.columns))
  else await printNotice(context.stderr, hasFilter(filter) ? 'Nothing is like that.' : 'The history is empty.')
  return 0
}

function hasFilter(filter: ListFilter): boolean {
  return Object.keys(filter).length > 0
}

/** Pinned ones first, then newest first; page after page. */
export async function listConversations(
  client: LmappClient,
  limit: number,
  filter: ListFilter = {},
): Promise<ApiConversationSummary[]> {
  const all: ApiConversationSummary[] = []
  for (;;) {
    const before = all.at(-1)?.id
    const wanted = Math.min(pageSize, limit - all.length)
    const page = await client.listConversations({
      ...filter,
      limit: wanted,
      ...(before !== undefined && { before }),
    })
    all.push(...page)
    if (page.length < wanted || all.length >= limit) return all
  }
}

/** As scripts were promised: a pin changes nothing of the order. */
async function listNewestFirst(
  client: LmappClient,
  limit: number,
  filter: ListFilter,
): Promise<ApiConversationSummary[]> {
  const pinned = await listConversations(client, limit, { ...filter, pinned: true })
  const others = filter.pinned ? [] : await listConversations(client, limit, { ...filter, pinned: false })
  const merged: ApiConversationSummary[] = []
  while (merged.length < limit) {
    const [left, right] = [pinned[0], others[0]]
    const next = left && (!right || left.updatedAt >= right.updatedAt) ? pinned.shift() : others.shift()
    if (!next) break
    merged.push(next)
  }
  return merged
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

/** The column of tags is there only where there is a tag. */
export function toHistoryTable(conversations: readonly ApiConversationSummary[], width: number): string {
  const tagged = conversations.some(({ tags }) => tags.length > 0)
  const columns = [
    { title: 'ID' },
    { title: 'LAST USED' },
    ...(tagged ? [{ title: 'TAGS', least: 6 }] : []),
    { title: 'TITLE', least: 14 },
  ]
  const rows = conversations.map(({ id, updatedAt, title, pinned, tags }) => [
    id,
    formatTime(updatedAt),
    ...(tagged ? [toOneLine(tags.join(', '))] : []),
    `${pinned ? '* ' : ''}${toOneLine(title)}`,
  ])
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
