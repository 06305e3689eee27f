import { type Content, type ErrorData, type Role, toText } from 'lmapp-kit'
import { type AttachmentReader, createAttachmentReader, readDataUrl } from './attachments.ts'
import { describeConversation, type ReadContext } from './context.ts'
import { toImportedId } from './ids.ts'
import type { ImportedConversation } from './imported.ts'
import { chooseTitle, createMessage, lastModel } from './message.ts'
import { readOpenWebUiAnswer } from './open-webui-answer.ts'
import { buildTree, type TreeNode } from './tree.ts'
import { type Fields, toAmount, toCleanText, toCount, toFields, toList, toNonEmpty, toTime } from './values.ts'

/** One chat of Open WebUI: as exported with its row's columns, or only what is within `chat`. */
export function isOpenWebUiChat(value: Fields): boolean {
  const chat = toFields(value.chat) ?? value
  const history = toFields(chat.history)
  return toFields(history?.messages) !== undefined || (value.chat !== undefined && Array.isArray(chat.messages))
}

/** Undefined, with a notice, for one that cannot be read. */
export function readOpenWebUiChat(
  value: Fields,
  number: number,
  context: ReadContext,
): ImportedConversation | undefined {
  const chat = toFields(value.chat) ?? value
  const title = toCleanText(value.title) ?? toCleanText(chat.title)
  const where = describeConversation(number, title)
  const messages = listMessages(chat)
  if (messages.length === 0) {
    context.notices.add('conversation', where, 'it holds no messages')
    return undefined
  }
  const id = toNonEmpty(value.id) ?? toNonEmpty(chat.id) ?? `${title} ${JSON.stringify(messages[0])}`
  const createdAt = toTime(value.created_at) ?? toTime(chat.timestamp) ?? toTime(messages[0]?.timestamp)
  const begun = createdAt ?? context.modified
  const reader = { context, where, begun, attachments: createAttachmentReader(context.notices) }
  const nodes = messages.flatMap((message) => toNodes(reader, message))
  const head = toNonEmpty(toFields(chat.history)?.currentId) ?? toNonEmpty(value.current_message_id) ?? null
  const toId = (key: string) => toImportedId('open-webui', id, key)
  const tree = buildTree(nodes, { head, toId, where, notices: context.notices })
  const tags = toList(toFields(value.meta)?.tags).flatMap((tag) => toNonEmpty(tag) ?? [])
  return {
    id: toImportedId('open-webui', id),
    title: chooseTitle(title, tree.messages),
    system: toNonEmpty(chat.system) ?? toNonEmpty(toFields(chat.params)?.system) ?? null,
    model: toNonEmpty(toList(chat.models)[0]) ?? lastModel(tree.messages),
    createdAt: begun,
    updatedAt: toTime(value.updated_at) ?? tree.messages.at(-1)?.createdAt ?? begun,
    ...(Number(value.pinned) === 1 && { pinned: true }),
    ...(tags.length > 0 && { tags }),
    ...tree,
  }
}

/** The tree; before there was one, a list in which each message follows the one before it. */
function listMessages(chat: Fields): Fields[] {
  const tree = toFields(toFields(chat.history)?.messages)
  if (tree) {
    return Object.entries(tree).flatMap(([id, value]) => {
      const message = toFields(value)
      return message ? [{ ...message, id }] : []
    })
  }
  const list = toList(chat.messages)
    .map(toFields)
    .filter((value) => value !== undefined)
  return list.map((message, index) => ({
    parentId: index === 0 ? null : idAt(list, index - 1),
    ...message,
    id: idAt(list, index),
  }))
}

function idAt(list: readonly Fields[], index: number): string {
  return toNonEmpty(list[index]?.id) ?? String(index)
}

interface Reader {
  context: ReadContext
  where: string
  begun: string
  attachments: AttachmentReader
}

const roles: Readonly<Record<string, Role>> = { system: 'system', user: 'user', assistant: 'assistant', tool: 'tool' }

function toNodes(reader: Reader, message: Fields): TreeNode[] {
  const key = String(message.id)
  const parentKey = toNonEmpty(message.parentId) ?? null
  const name = String(message.role)
  const role = Object.hasOwn(roles, name) ? roles[name] : undefined
  if (!role) {
    reader.context.notices.add('message', `${reader.where}, message ${key}`, `it is of "${name}", which is not known`)
    return [{ key, parentKey }]
  }
  const createdAt = toTime(message.timestamp) ?? reader.begun
  if (role === 'assistant') return toSteps(key, parentKey, readAnswer(message, createdAt))
  const parts = [...readFiles(reader, message), ...readContent(reader, message.content)]
  return [{ key, parentKey, message: createMessage({ role, parts, createdAt }) }]
}

/** An answer that called tools holds their results too; here each step is a message, and the last one has the key. */
function toSteps(key: string, parentKey: string | null, answer: NonNullable<TreeNode['message']>): TreeNode[] {
  const steps: Content[][] = []
  let wasResult: boolean | undefined
  for (const part of answer.parts) {
    const isResult = part.type === 'tool-result'
    if (isResult === wasResult) steps.at(-1)?.push(part)
    else steps.push([part])
    wasResult = isResult
  }
  if (wasResult !== false) steps.push([])
  return steps.map((parts, index) => {
    const isLast = index === steps.length - 1
    const { createdAt, model } = answer
    const message = isLast
      ? { ...answer, parts, text: toText(parts) }
      : parts[0]?.type === 'tool-result'
        ? createMessage({ role: 'tool', parts, createdAt })
        : createMessage({ role: 'assistant', parts, createdAt, model })
    return {
      key: isLast ? key : `${key} ${index}`,
      parentKey: index === 0 ? parentKey : `${key} ${index - 1}`,
      message,
    }
  })
}

/** A text, or a list of blocks as OpenAI's API has them. */
function readContent({ attachments, where }: Reader, content: unknown): Content[] {
  const text = toCleanText(content)
  if (text !== undefined) return text === '' ? [] : [{ type: 'text', text }]
  return toList(content).flatMap<Content>((value) => {
    const block = toFields(value)
    const words = toCleanText(block?.text)
    if (words !== undefined) return [{ type: 'text', text: words }]
    const url = toCleanText(toFields(block?.image_url)?.url)
    return url === undefined ? [] : readImage(attachments, 'image', url, where)
  })
}

function readFiles({ attachments, where }: Reader, message: Fields): Content[] {
  return toList(message.files).flatMap((value) => {
    const entry = toFields(value) ?? {}
    const file = toFields(entry.file)
    const name = toNonEmpty(entry.name) ?? toNonEmpty(file?.filename) ?? String(entry.type ?? 'file')
    const text = toCleanText(toFields(file?.data)?.content)
    if (text !== undefined) {
      const mediaType = toCleanText(toFields(file?.meta)?.content_type)
      return attachments.read({ name, mediaType, bytes: Buffer.from(text) }, where)
    }
    const url = toCleanText(entry.url)
    if (entry.type === 'image' && url !== undefined) return readImage(attachments, name, url, where)
    return attachments.miss(name, where, 'its content is not in the export')
  })
}

function readImage(attachments: AttachmentReader, name: string, url: string, where: string): Content[] {
  const data = readDataUrl(url)
  return data ? attachments.read({ name, ...data }, where) : attachments.miss(name, where, 'it stayed on the server')
}

function readAnswer(message: Fields, createdAt: string) {
  const error = readError(message.error)
  const state = error ? 'failed' : message.done === false ? 'incomplete' : 'complete'
  const usage = toFields(message.usage) ?? toFields(toFields(message.info)?.usage) ?? toFields(message.info)
  return createMessage({
    role: 'assistant',
    parts: readOpenWebUiAnswer(message),
    model: toNonEmpty(message.model) ?? null,
    state,
    error,
    usage: readUsage(usage),
    timings: readTimings(usage),
    createdAt,
  })
}

function readError(value: unknown): ErrorData | null {
  if (value === undefined || value === null || value === false) return null
  const fields = toFields(value)
  const message = toNonEmpty(fields?.content) ?? toNonEmpty(fields?.message) ?? toNonEmpty(value) ?? 'It failed.'
  return { code: 'engine-failed', message }
}

/** As OpenAI's API names them, as Ollama's does, or as newer versions of Open WebUI do. */
function readUsage(usage: Fields | undefined) {
  const inputTokens = toCount(usage?.input_tokens) ?? toCount(usage?.prompt_tokens) ?? toCount(usage?.prompt_eval_count)
  const outputTokens = toCount(usage?.output_tokens) ?? toCount(usage?.completion_tokens) ?? toCount(usage?.eval_count)
  if (inputTokens === undefined && outputTokens === undefined) return null
  return { ...(inputTokens !== undefined && { inputTokens }), ...(outputTokens !== undefined && { outputTokens }) }
}

/** Ollama's durations, in nanoseconds. */
function readTimings(usage: Fields | undefined) {
  const names = {
    totalMs: 'total_duration',
    loadMs: 'load_duration',
    promptMs: 'prompt_eval_duration',
    generationMs: 'eval_duration',
  }
  const known = Object.entries(names).flatMap(([name, original]) => {
    const nanoseconds = toAmount(usage?.[original])
    return nanoseconds === undefined ? [] : [[name, nanoseconds / 1e6] as const]
  })
  return known.length > 0 ? Object.fromEntries(known) : null
}
