import type { Content, Role } from 'lmapp-kit'
import { type Attachment, createAttachmentReader } from './attachments.ts'
import { type ContentReader, readChatGptContent, toAssetId, toPlainText } from './chatgpt-content.ts'
import { describeConversation, type ReadContext } from './context.ts'
import { toImportedId } from './ids.ts'
import type { ImportedConversation } from './imported.ts'
import { chooseTitle, createMessage, lastModel } from './message.ts'
import { buildTree, type TreeNode } from './tree.ts'
import { type Fields, toCleanText, toFields, toList, toNonEmpty, toTime } from './values.ts'

/** Where the files of an export are: the archive around it. */
export interface AssetSource {
  load(ids: readonly string[]): Promise<ReadonlyMap<string, Attachment>>
}

export function isChatGptConversation(value: Fields): boolean {
  return toFields(value.mapping) !== undefined
}

/** Undefined, with a notice, for one that cannot be read. */
export async function readChatGptConversation(
  value: Fields,
  number: number,
  context: ReadContext,
  source?: AssetSource,
): Promise<ImportedConversation | undefined> {
  const title = toCleanText(value.title)
  const where = describeConversation(number, title)
  const links = listLinks(toFields(value.mapping) ?? {})
  const id =
    toNonEmpty(value.conversation_id) ?? toNonEmpty(value.id) ?? JSON.stringify([title, links[0]?.key, links.length])
  const assets = (await source?.load(listAssets(links))) ?? new Map<string, Attachment>()
  const createdAt = toTime(value.create_time) ?? links.find(({ time }) => time)?.time ?? context.modified
  const reader: Reader = {
    where,
    assets,
    createdAt,
    notices: context.notices,
    attachments: createAttachmentReader(context.notices),
    callKeys: new Set(links.filter(({ message }) => isCall(message)).map(({ key }) => key)),
    system: [],
  }
  const nodes = links.map((link) => toNode(reader, link))
  const toId = (key: string) => toImportedId('chatgpt', id, key)
  const tree = buildTree(nodes, { head: toNonEmpty(value.current_node) ?? null, toId, where, notices: context.notices })
  if (tree.messages.length === 0) {
    context.notices.add('conversation', where, 'it holds no messages')
    return undefined
  }
  const isPinned = (value.pinned_time ?? null) !== null || value.is_starred === true
  return {
    id: toImportedId('chatgpt', id),
    title: chooseTitle(title, tree.messages),
    system: reader.system.join('\n\n') || null,
    model: lastModel(tree.messages) ?? toNonEmpty(value.default_model_slug) ?? null,
    createdAt,
    updatedAt: toTime(value.update_time) ?? tree.messages.at(-1)?.createdAt ?? createdAt,
    ...(isPinned && { pinned: true }),
    ...tree,
  }
}

interface Link {
  key: string
  parentKey: string | null
  time: string | undefined
  message: Fields | undefined
}

/** By time, since a `mapping` has no order to rely on; what has no time stays behind what stood before it. */
function listLinks(mapping: Fields): Link[] {
  let time: string | undefined
  const links = Object.entries(mapping).map(([key, value]) => {
    const message = toFields(toFields(value)?.message)
    time = toTime(message?.create_time) ?? time
    return { key, parentKey: toNonEmpty(toFields(value)?.parent) ?? null, time, message }
  })
  return links.sort((one, other) =>
    (one.time ?? '') < (other.time ?? '') ? -1 : (one.time ?? '') > (other.time ?? '') ? 1 : 0,
  )
}

function listAssets(links: readonly Link[]): string[] {
  return links.flatMap(({ message }) => {
    const parts = toList(toFields(message?.content)?.parts)
    const pointers = parts.flatMap((part) => toAssetId(toFields(part)?.asset_pointer) ?? [])
    const attached = toList(toFields(message?.metadata)?.attachments)
    return [...pointers, ...attached.flatMap((attachment) => toAssetId(toFields(attachment)?.id) ?? [])]
  })
}

interface Reader extends ContentReader {
  createdAt: string
  /** The nodes that call a tool. */
  callKeys: ReadonlySet<string>
  /** What the user told ChatGPT about themselves and its style. */
  system: string[]
}

const roles: Readonly<Record<string, Role>> = { system: 'system', user: 'user', assistant: 'assistant', tool: 'tool' }

function toNode(reader: Reader, { key, parentKey, time, message }: Link): TreeNode {
  const name = toFields(message?.author)?.role
  const role = typeof name === 'string' && Object.hasOwn(roles, name) ? roles[name] : undefined
  const content = toFields(message?.content)
  if (!message || !content || !role) return { key, parentKey }
  const instructions = readInstructions(message, content)
  if (instructions !== undefined) {
    if (instructions !== '' && !reader.system.includes(instructions)) reader.system.push(instructions)
    return { key, parentKey }
  }
  const parts = readChatGptContent(reader, message, content)
  if (content.content_type === 'thoughts') return { key, parentKey, carries: parts }
  if (isHidden(message, role) || parts.length === 0) return { key, parentKey }
  const createdAt = time ?? reader.createdAt
  if (role === 'tool') {
    return {
      key,
      parentKey,
      message: createMessage({ role, parts: toResult(reader, message, parts, parentKey, key), createdAt }),
    }
  }
  if (role !== 'assistant') return { key, parentKey, message: createMessage({ role, parts, createdAt }) }
  return {
    key,
    parentKey,
    message: toAnswer(message, isCall(message) ? toCall(message, parts, key) : parts, createdAt),
  }
}

/** Custom instructions: in the content today, in the metadata before. */
function readInstructions(message: Fields, content: Fields): string | undefined {
  const metadata = toFields(message.metadata)
  const data = toFields(metadata?.user_context_message_data)
  if (content.content_type !== 'user_editable_context' && !data) return undefined
  const texts = [content.user_profile, content.user_instructions, data?.about_user_message, data?.about_model_message]
  return [...new Set(texts.flatMap((text) => toNonEmpty(text) ?? []))].join('\n\n')
}

/** What ChatGPT itself does not show: its own system messages, and turns of no weight. */
function isHidden(message: Fields, role: Role): boolean {
  const metadata = toFields(message.metadata)
  const hidden = metadata?.is_visually_hidden_from_conversation === true
  return hidden || (message.weight === 0 && role !== 'tool') || message.content === null
}

function isCall(message: Fields | undefined): boolean {
  const recipient = toNonEmpty(message?.recipient)
  return toFields(message?.author)?.role === 'assistant' && recipient !== undefined && recipient !== 'all'
}

function toCall(message: Fields, parts: readonly Content[], key: string): Content[] {
  const code = toCleanText(toFields(message.content)?.text)
  const name = toCleanText(message.recipient) ?? ''
  return [{ type: 'tool-call', id: key, name, arguments: code ?? toPlainText(parts) }]
}

function toResult(
  reader: Reader,
  message: Fields,
  parts: readonly Content[],
  parentKey: string | null,
  key: string,
): Content[] {
  const id = parentKey !== null && reader.callKeys.has(parentKey) ? parentKey : `call-of-${key}`
  const isError = toFields(message.content)?.content_type === 'system_error'
  const name = toCleanText(toFields(message.author)?.name) ?? ''
  return [
    { type: 'tool-result', id, name, text: toPlainText(parts), ...(isError && { isError }) },
    ...parts.filter(({ type }) => type === 'image' || type === 'file'),
  ]
}

function toAnswer(message: Fields, parts: Content[], createdAt: string) {
  const metadata = toFields(message.metadata)
  const finish = toFields(metadata?.finish_details)?.type
  const state =
    finish === 'max_tokens'
      ? 'length'
      : finish === 'interrupted'
        ? 'stopped'
        : message.status === 'in_progress'
          ? 'incomplete'
          : 'complete'
  return createMessage({
    role: 'assistant',
    parts,
    model: toNonEmpty(metadata?.model_slug) ?? null,
    state,
    reason: finish === 'stop' ? 'stop' : finish === 'max_tokens' ? 'length' : null,
    createdAt,
  })
}
