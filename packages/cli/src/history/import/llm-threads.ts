import type { Content, Role } from 'lmapp-kit'
import { type AttachmentReader, createAttachmentReader } from './attachments.ts'
import { describeConversation, type ReadContext } from './context.ts'
import { toImportedId } from './ids.ts'
import type { ImportedConversation } from './imported.ts'
import { indexRows, type RowIndex, readLlmAttachment, readLlmFragment } from './llm-parts.ts'
import { later } from './llm-responses.ts'
import { chooseTitle, createMessage, lastModel, type MessageFacts } from './message.ts'
import type { ForeignDatabase } from './sqlite.ts'
import { buildTree, type TreeNode } from './tree.ts'
import { type Fields, parseJson, toCleanText, toCount, toFields, toList, toNonEmpty, toTime } from './values.ts'

/**
 * The tables of newer versions: messages are a tree that all threads share, each named by a hash; a thread points at
 * its newest message, and a turn says which model wrote one.
 */
export async function* readLlmThreads(
  database: ForeignDatabase,
  readOlder: (id: string) => TreeNode[],
  context: ReadContext,
): AsyncGenerator<ImportedConversation> {
  const turns = indexRows(database, 'turns', 'thread_id')
  const statement = `SELECT threads.id AS id, threads.name AS name, tip_message_hash AS tip, threads.datetime_utc AS time
    FROM threads ORDER BY coalesce((SELECT max(datetime_utc) FROM turns WHERE thread_id = threads.id), threads.datetime_utc)`
  let number = 0
  for (const thread of [...database.rows(statement)]) {
    const where = describeConversation(++number, toCleanText(thread.name))
    const attachments = createAttachmentReader(context.notices)
    yield readThread({ database, context, turns, where, attachments }, thread, readOlder(String(thread.id)))
  }
}

interface Reader {
  database: ForeignDatabase
  context: ReadContext
  turns: RowIndex
  where: string
  attachments: AttachmentReader
}

function readThread(reader: Reader, thread: Fields, older: readonly TreeNode[]): ImportedConversation {
  const { context, where } = reader
  const id = String(thread.id)
  const turns = readTurns(reader, id)
  const times = turns.flatMap(({ time }) => time ?? [])
  const begun = older[0]?.message?.createdAt ?? times[0] ?? toTime(thread.time) ?? context.modified
  const tip = toNonEmpty(thread.tip) ?? null
  const nodes = new Map<string, TreeNode>()
  const system: { text?: string } = {}
  for (const hash of [...turns.map((turn) => turn.tip), tip]) {
    if (hash !== null) collectChain({ ...reader, turnFacts: toTurnFacts(turns), begun, nodes, system }, hash)
  }
  const toId = (key: string) => toImportedId('llm', id, key)
  const tree = buildTree(joinOlder(older, [...nodes.values()]), { head: tip, toId, where, notices: context.notices })
  return {
    id: toImportedId('llm', id),
    title: chooseTitle(readOlderName(reader, id) ?? toCleanText(thread.name), tree.messages),
    system: system.text ?? null,
    model: turns.findLast(({ model }) => model)?.model ?? lastModel(tree.messages),
    createdAt: begun,
    updatedAt: tree.messages.reduce((last, { createdAt }) => (createdAt > last ? createdAt : last), begun),
    ...tree,
  }
}

function readOlderName({ database }: Reader, id: string): string | undefined {
  if (!database.has('conversations', 'name')) return undefined
  return toNonEmpty([...database.rows('SELECT name FROM conversations WHERE id = ?', id)][0]?.name)
}

/** A thread that went on from an older conversation begins with all of it anew: the older messages stand for these. */
function joinOlder(older: readonly TreeNode[], nodes: readonly TreeNode[]): TreeNode[] {
  const same = new Map<string, string>()
  const spoken = nodes.filter(({ message }) => message)
  for (const [index, node] of older.entries()) {
    const other = spoken[index]
    if (!other || other.message?.role !== node.message?.role) break
    same.set(other.key, node.key)
  }
  const others = nodes.filter(({ key }) => !same.has(key))
  const links = others.map((node) => ({ ...node, parentKey: same.get(node.parentKey ?? '') ?? node.parentKey }))
  return [...older, ...links]
}

interface Turn {
  time: string | undefined
  end: string | undefined
  parent: string | null
  tip: string | null
  model: string | null
  usage: MessageFacts['usage']
  timings: MessageFacts['timings']
}

function readTurns({ database, turns }: Reader, threadId: string): Turn[] {
  const rows = (turns.get(threadId) ?? []).flatMap((row) => [
    ...database.rows('SELECT * FROM turns WHERE rowid = ?', row),
  ])
  return rows.map((row) => {
    const time = toTime(row.datetime_utc)
    const duration = toCount(row.duration_ms)
    const [inputTokens, outputTokens] = [toCount(row.input_tokens), toCount(row.output_tokens)]
    const usage = {
      ...(inputTokens !== undefined && { inputTokens }),
      ...(outputTokens !== undefined && { outputTokens }),
    }
    return {
      time,
      end: time === undefined ? undefined : later(time, duration ?? 0),
      parent: toNonEmpty(row.parent_message_hash) ?? null,
      tip: toNonEmpty(row.tip_message_hash) ?? null,
      model: toNonEmpty(row.resolved_model) ?? toNonEmpty(row.model) ?? null,
      usage: Object.keys(usage).length > 0 ? usage : null,
      timings: duration === undefined ? null : { totalMs: duration },
    }
  })
}

/** What is known of a message because a turn ended with it, or began with it. */
function toTurnFacts(turns: readonly Turn[]): Map<string, Partial<MessageFacts>> {
  const facts = new Map<string, Partial<MessageFacts>>()
  for (const { time, end, parent, tip, model, usage, timings } of turns) {
    if (parent !== null && time !== undefined && !facts.has(parent)) facts.set(parent, { createdAt: time })
    if (tip === null) continue
    facts.set(tip, {
      model,
      ...(end !== undefined && { createdAt: end }),
      ...(usage && { usage }),
      ...(timings && { timings }),
    })
  }
  return facts
}

interface ChainReader extends Reader {
  turnFacts: ReadonlyMap<string, Partial<MessageFacts>>
  begun: string
  nodes: Map<string, TreeNode>
  system: { text?: string }
}

/** The messages from one that is not known yet up to the root, or to one that is. */
function collectChain(reader: ChainReader, tip: string): void {
  const { database, nodes } = reader
  const chain: TreeNode[] = []
  const seen = new Set<string>()
  for (let hash: string | null = tip; hash !== null && !nodes.has(hash) && !seen.has(hash); ) {
    seen.add(hash)
    const [row]: Fields[] = [...database.rows('SELECT parent_hash, role FROM messages WHERE hash = ?', hash)]
    // A missing one is noted when the tree is built, unless nothing is there at all.
    if (!row) break
    const parentKey: string | null = toNonEmpty(row.parent_hash) ?? null
    chain.push(toNode(reader, hash, parentKey, String(row.role)))
    hash = parentKey
  }
  for (const node of chain.reverse()) nodes.set(node.key, node)
}

const roles: Readonly<Record<string, Role>> = { system: 'system', user: 'user', assistant: 'assistant', tool: 'tool' }

function toNode(reader: ChainReader, key: string, parentKey: string | null, roleName: string): TreeNode {
  const parts = readParts(reader, key)
  const role = Object.hasOwn(roles, roleName) ? roles[roleName] : undefined
  if (!role) reader.context.notices.add('message', reader.where, `it is of "${roleName}", which is not known`)
  const isSystem = role === 'system' && parentKey === null
  if (isSystem) reader.system.text = parts.flatMap((part) => ('text' in part ? [part.text] : [])).join('\n')
  if (!role || isSystem) return { key, parentKey }
  const facts = reader.turnFacts.get(key)
  const known = role === 'assistant' ? facts : { createdAt: facts?.createdAt ?? reader.begun }
  return { key, parentKey, message: createMessage({ createdAt: reader.begun, ...known, role, parts }) }
}

function readParts(reader: ChainReader, hash: string): Content[] {
  const rows = [
    ...reader.database.rows('SELECT id, type, text, payload FROM parts WHERE message_hash = ? ORDER BY position', hash),
  ]
  return rows.flatMap((row) => readPart(reader, row))
}

function readPart(reader: ChainReader, row: Fields): Content[] {
  const payload = toFields(parseJson(row.payload)) ?? {}
  const text = toCleanText(row.text)
  switch (row.type) {
    case 'text':
      return text === undefined ? readReferences(reader, payload) : [{ type: 'text', text }]
    case 'reasoning': {
      const whole =
        text ??
        readReferences(reader, payload)
          .flatMap((part) => ('text' in part ? part.text : []))
          .join('')
      return whole === '' ? [] : [{ type: 'reasoning', text: whole }]
    }
    case 'tool_call': {
      const id = toCleanText(payload.tool_call_id) ?? `part-${row.id}`
      const name = toCleanText(payload.name) ?? ''
      return [{ type: 'tool-call', id, name, arguments: JSON.stringify(payload.arguments ?? {}) }]
    }
    case 'tool_result':
      return readToolResult(reader, payload, `part-${row.id}`)
    case 'attachment':
      return readAttachment(reader, payload.attachment)
    default:
      reader.context.notices.add('part', reader.where, `"${row.type}" is not known`)
      return []
  }
}

/** A text that was put together from fragments; these are taken as the files that they were. */
function readReferences({ database, context, where }: ChainReader, payload: Fields): Content[] {
  const pieces = toList(payload.text_ref).map(toFields)
  return pieces.flatMap<Content>((piece, index) => {
    const literal = toCleanText(piece?.literal)
    if (literal !== undefined) {
      const text = index > 0 ? literal.replace(/^\n/, '') : literal
      return text === '' ? [] : [{ type: 'text', text }]
    }
    const fragment = readLlmFragment(database, toCount(piece?.fragment) ?? -1)
    if (!fragment) context.notices.add('fragment', where, 'missing in the database')
    return fragment ?? []
  })
}

function readToolResult(reader: ChainReader, payload: Fields, fallback: string): Content[] {
  const failed = toNonEmpty(payload.exception)
  const text = toCleanText(payload.output) ?? failed ?? ''
  const id = toCleanText(payload.tool_call_id) ?? fallback
  const name = toCleanText(payload.name) ?? ''
  return [
    { type: 'tool-result', id, name, text, ...(failed && { isError: true }) },
    ...toList(payload.attachments).flatMap((attachment) => readAttachment(reader, attachment)),
  ]
}

function readAttachment({ database, attachments, where }: ChainReader, reference: unknown): Content[] {
  return readLlmAttachment(database, toCleanText(toFields(reference)?.id) ?? '', attachments, where)
}
