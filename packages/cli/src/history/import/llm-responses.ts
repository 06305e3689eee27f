import type { Content, FileContent, FinishReason } from 'lmapp-kit'
import { type AttachmentReader, createAttachmentReader } from './attachments.ts'
import { describeConversation, type ReadContext } from './context.ts'
import { toImportedId } from './ids.ts'
import type { ImportedConversation } from './imported.ts'
import { indexRows, type RowIndex, readLlmAttachment, readLlmFragment } from './llm-parts.ts'
import { chooseTitle, createMessage, lastModel, toTextParts } from './message.ts'
import type { ForeignDatabase } from './sqlite.ts'
import { buildTree, type TreeNode } from './tree.ts'
import { type Fields, parseJson, toAmount, toCleanText, toCount, toFields, toNonEmpty, toTime } from './values.ts'

interface Source {
  database: ForeignDatabase
  context: ReadContext
  toolCalls: RowIndex
  toolResults: RowIndex
}

export interface OlderConversations {
  /** The one that was used last comes last; without those that went on in newer tables. */
  readAll(): Generator<ImportedConversation>
  /** What was said in one of them. */
  readNodes(id: string): TreeNode[]
}

/** The tables of llm 0.5 to 0.31: a row of `responses` is a question and its answer. */
export function openLlmResponses(
  database: ForeignDatabase,
  without: ReadonlySet<string>,
  context: ReadContext,
): OlderConversations {
  const source: Source = {
    database,
    context,
    toolCalls: indexRows(database, 'tool_calls', 'response_id'),
    toolResults: indexRows(database, 'tool_results', 'response_id'),
  }
  const groups = groupResponses(database)
  return {
    *readAll() {
      for (const [index, { id, rows }] of groups.entries()) {
        if (!without.has(id)) yield readConversation(source, id, rows, index + 1)
      }
    },
    readNodes(id) {
      const number = groups.findIndex((group) => group.id === id)
      const rows = groups[number]?.rows
      return rows
        ? readNodes(openReader(source, describeConversation(number + 1, undefined)), readRows(source, rows))
        : []
    },
  }
}

interface Group {
  id: string
  rows: bigint[]
  last: string
}

/** The rows of each conversation in order; the conversation that was used last comes last. */
function groupResponses(database: ForeignDatabase): Group[] {
  const groups = new Map<string, Group>()
  const statement = `SELECT rowid AS row, coalesce(conversation_id, id) AS conversation, datetime_utc AS time
    FROM responses ORDER BY datetime_utc, id`
  for (const { row, conversation, time } of database.rows(statement)) {
    const id = String(conversation)
    const group = groups.get(id) ?? { id, rows: [], last: '' }
    group.rows.push(row as bigint)
    group.last = String(time ?? '')
    groups.set(id, group)
  }
  return [...groups.values()].sort((one, other) => (one.last < other.last ? -1 : 1))
}

function readConversation(source: Source, id: string, rows: readonly bigint[], number: number): ImportedConversation {
  const { database, context } = source
  const [conversation] = database.rows('SELECT name, model FROM conversations WHERE id = ?', id)
  const where = describeConversation(number, toCleanText(conversation?.name))
  const turns = readRows(source, rows)
  const reader = openReader(source, where)
  const nodes = readNodes(reader, turns)
  const toId = (key: string) => toImportedId('llm', id, key)
  const tree = buildTree(nodes, { head: null, toId, where, notices: context.notices })
  const createdAt = tree.messages[0]?.createdAt ?? context.modified
  return {
    id: toImportedId('llm', id),
    title: chooseTitle(toCleanText(conversation?.name), tree.messages),
    system: readSystem(reader, turns),
    model: toNonEmpty(conversation?.model) ?? lastModel(tree.messages),
    createdAt,
    updatedAt: tree.messages.at(-1)?.createdAt ?? createdAt,
    ...tree,
  }
}

function readRows({ database }: Source, rows: readonly bigint[]): Fields[] {
  return rows.flatMap((row) => [...database.rows('SELECT * FROM responses WHERE rowid = ?', row)])
}

function openReader(source: Source, where: string): TurnReader {
  return { ...source, where, attachments: createAttachmentReader(source.context.notices), calls: [] }
}

function readNodes(reader: TurnReader, turns: readonly Fields[]): TreeNode[] {
  const nodes: TreeNode[] = []
  for (const turn of turns) {
    for (const node of readTurn(reader, turn)) nodes.push({ ...node, parentKey: nodes.at(-1)?.key ?? null })
  }
  return nodes
}

interface TurnReader extends Source {
  where: string
  attachments: AttachmentReader
  /** Ids of the calls of the turn before, for results that do not name theirs. */
  calls: string[]
}

type Link = Omit<TreeNode, 'parentKey'>

function readTurn(reader: TurnReader, turn: Fields): Link[] {
  const id = String(turn.id)
  const createdAt = toTime(turn.datetime_utc) ?? reader.context.modified
  const results = readToolResults(reader, id)
  const question = readQuestion(reader, turn)
  const links: Link[] = []
  if (results.length > 0) {
    links.push({ key: `${id} tool`, message: createMessage({ role: 'tool', parts: results, createdAt }) })
  }
  if (question.length > 0 || results.length === 0) {
    links.push({ key: `${id} user`, message: createMessage({ role: 'user', parts: question, createdAt }) })
  }
  links.push({ key: `${id} assistant`, message: readAnswer(reader, turn, createdAt) })
  return links
}

function readQuestion({ database, attachments, where }: TurnReader, turn: Fields): Content[] {
  const id = String(turn.id)
  const ids = database.has('prompt_attachments', 'response_id')
    ? database.rows('SELECT attachment_id FROM prompt_attachments WHERE response_id = ? ORDER BY "order"', id)
    : []
  return [
    ...readFragments(database, 'prompt_fragments', id),
    ...toTextParts(toCleanText(turn.prompt) ?? ''),
    ...Array.from(ids).flatMap((row) => readLlmAttachment(database, String(row.attachment_id), attachments, where)),
  ]
}

function readFragments(database: ForeignDatabase, table: string, responseId: string): FileContent[] {
  if (!database.has(table, 'fragment_id')) return []
  const rows = [
    ...database.rows(`SELECT fragment_id FROM "${table}" WHERE response_id = ? ORDER BY "order"`, responseId),
  ]
  return rows.flatMap(({ fragment_id }) => readLlmFragment(database, fragment_id as bigint) ?? [])
}

function readToolResults({ database, toolResults, calls }: TurnReader, responseId: string): Content[] {
  const rows = toolResults.get(responseId) ?? []
  return rows.flatMap((row, index) => {
    const [result] = database.rows('SELECT * FROM tool_results WHERE rowid = ?', row)
    if (!result) return []
    const id = toNonEmpty(result.tool_call_id) ?? calls[index] ?? `${responseId}-${index}`
    const failed = toNonEmpty(result.exception)
    const text = toCleanText(result.output) ?? failed ?? ''
    return [
      {
        type: 'tool-result',
        id,
        name: toCleanText(result.name) ?? '',
        text,
        ...(failed && { isError: true }),
      } as const,
    ]
  })
}

function readAnswer(reader: TurnReader, turn: Fields, createdAt: string) {
  const details = toFields(parseJson(turn.response_json))
  const reason = toReason(details?.finish_reason)
  const duration = toCount(turn.duration_ms)
  const reasoning = toNonEmpty(turn.reasoning)
  const parts: Content[] = [
    ...(reasoning ? [{ type: 'reasoning', text: reasoning } as const] : []),
    ...toTextParts(toCleanText(turn.response) ?? ''),
    ...readToolCalls(reader, String(turn.id)),
  ]
  return createMessage({
    role: 'assistant',
    parts,
    model: toNonEmpty(turn.resolved_model) ?? toNonEmpty(turn.model) ?? null,
    state: reason === 'length' ? 'length' : 'complete',
    reason,
    usage: readUsage(turn, details),
    timings: duration === undefined ? null : { totalMs: duration },
    createdAt: later(createdAt, duration ?? 0),
  })
}

function readToolCalls(reader: TurnReader, responseId: string): Content[] {
  const { database, toolCalls } = reader
  const rows = toolCalls.get(responseId) ?? []
  const calls = rows.flatMap((row, index) => {
    const [call] = database.rows('SELECT * FROM tool_calls WHERE rowid = ?', row)
    if (!call) return []
    const id = toNonEmpty(call.tool_call_id) ?? `${responseId}-${index}`
    const name = toCleanText(call.name) ?? ''
    return [{ type: 'tool-call', id, name, arguments: toCleanText(call.arguments) ?? '' } as const]
  })
  reader.calls = calls.map(({ id }) => id)
  return calls
}

/** Columns since 0.19; before that what the engine said. */
function readUsage(turn: Fields, details: Fields | undefined) {
  const told = toFields(details?.usage)
  const inputTokens = toCount(turn.input_tokens) ?? toCount(told?.prompt_tokens) ?? toCount(told?.input_tokens)
  const outputTokens = toCount(turn.output_tokens) ?? toCount(told?.completion_tokens) ?? toCount(told?.output_tokens)
  if (inputTokens === undefined && outputTokens === undefined) return null
  return { ...(inputTokens !== undefined && { inputTokens }), ...(outputTokens !== undefined && { outputTokens }) }
}

const reasons: Readonly<Record<string, FinishReason>> = {
  stop: 'stop',
  length: 'length',
  tool_calls: 'tool-calls',
  content_filter: 'content-filter',
}

/** As OpenAI's API and those like it name them. */
export function toReason(value: unknown): FinishReason | null {
  if (typeof value !== 'string' || value === '') return null
  return Object.hasOwn(reasons, value) ? (reasons[value] ?? 'other') : 'other'
}

export function later(time: string, milliseconds: number): string {
  return toTime(Date.parse(time) + (toAmount(milliseconds) ?? 0)) ?? time
}

/** The newest that was given: with `-c` it is given once, and holds from then on. */
function readSystem({ database, context, where }: TurnReader, turns: readonly Fields[]): string | null {
  const systems = turns.flatMap((turn) => {
    const fragments = readFragments(database, 'system_fragments', String(turn.id)).map(({ text }) => text)
    const system = [...fragments, toNonEmpty(turn.system) ?? ''].filter(Boolean).join('\n')
    return system === '' ? [] : [system]
  })
  if (new Set(systems).size > 1) context.notices.add('system prompt', where, 'it changed; the last one was taken')
  return systems.at(-1) ?? null
}
