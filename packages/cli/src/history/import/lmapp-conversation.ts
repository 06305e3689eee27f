import { type Content, type FinishReason, isErrorCode } from 'lmapp-kit'
import { content, errorData, finishReason, runTimings, usage } from 'lmapp-kit/schema'
import { describeConversation, type ReadContext } from './context.ts'
import type { ImportedConversation, ImportedMessage } from './imported.ts'
import { buildTree, type TreeNode } from './tree.ts'
import { type Fields, toCleanText, toFields, toNonEmpty, toTime } from './values.ts'

/** A field of our own format that is not as it should be. */
export class BrokenField extends Error {}

/**
 * A conversation of lmapp's own export, with its own ids. Undefined, with a notice that names the field, for one that
 * is broken.
 */
export function parseLmappConversation(
  value: Fields,
  number: number,
  context: ReadContext,
): ImportedConversation | undefined {
  const where = describeConversation(number, toCleanText(value.title))
  try {
    return toConversation(value, where, context)
  } catch (error) {
    if (!(error instanceof BrokenField)) throw error
    context.notices.add('conversation', where, error.message)
    return undefined
  }
}

function toConversation(value: Fields, where: string, context: ReadContext): ImportedConversation {
  const id = requireText(value, 'id')
  if (!Array.isArray(value.messages)) throw new BrokenField('"messages" must be a list')
  const createdAt = toTime(value.createdAt) ?? context.modified
  const nodes = value.messages.map((message, index) => toNode(message, index, { ...context, where, createdAt }))
  const head = optionalText(value, 'head')
  const tree = buildTree(nodes, { head, toId: (key) => key, where, notices: context.notices })
  const { pinned, tags } = value
  return {
    id,
    title: requireText(value, 'title', true),
    system: optionalText(value, 'system'),
    model: optionalText(value, 'model'),
    head: head === null ? null : tree.head,
    createdAt,
    updatedAt: toTime(value.updatedAt) ?? createdAt,
    ...(typeof pinned === 'boolean' && { pinned }),
    ...(Array.isArray(tags) && { tags: tags.flatMap((tag) => toNonEmpty(tag) ?? []) }),
    messages: tree.messages,
  }
}

interface MessageContext extends ReadContext {
  where: string
  createdAt: string
}

const roles: readonly string[] = ['system', 'user', 'assistant', 'tool'] satisfies ImportedMessage['role'][]
const states: readonly string[] = [
  'complete',
  'length',
  'stopped',
  'incomplete',
  'failed',
  'crashed',
] satisfies ImportedMessage['state'][]

function toNode(value: unknown, index: number, context: MessageContext): TreeNode {
  const fields = toFields(value)
  if (!fields) throw new BrokenField(`message ${index + 1} must be an object`)
  try {
    const message = toMessage(fields, index, context)
    return { key: requireText(fields, 'id'), parentKey: optionalText(fields, 'parentId'), message }
  } catch (error) {
    if (error instanceof BrokenField) throw new BrokenField(`message ${index + 1}: ${error.message}`)
    throw error
  }
}

function toMessage(fields: Fields, index: number, context: MessageContext): NonNullable<TreeNode['message']> {
  const { role, reason } = fields
  // In an export of version 1 an answer can be one that was still being written.
  const state = fields.state === 'running' ? 'incomplete' : fields.state
  if (typeof role !== 'string' || !roles.includes(role))
    throw new BrokenField(`"role" must be one of ${roles.join(', ')}`)
  if (typeof state !== 'string' || !states.includes(state)) {
    throw new BrokenField(`"state" must be one of ${states.join(', ')}`)
  }
  return {
    role: role as ImportedMessage['role'],
    text: requireText(fields, 'text', true),
    parts: readParts(fields.parts, index, context),
    state: state as ImportedMessage['state'],
    model: optionalText(fields, 'model'),
    reason: typeof reason === 'string' ? (finishReason.parse(reason) as FinishReason) : null,
    error: readError(fields.error),
    usage: orNull<ImportedMessage['usage']>(usage.safeParse(fields.usage).success, fields.usage),
    timings: orNull<ImportedMessage['timings']>(runTimings.partial().safeParse(fields.timings).success, fields.timings),
    createdAt: toTime(fields.createdAt) ?? context.createdAt,
  }
}

/** A part of a kind that is not known, from a newer lmapp, is left out. */
function readParts(value: unknown, index: number, { notices, where }: MessageContext): Content[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) throw new BrokenField('"parts" must be a list')
  return value.flatMap((part) => {
    if (content.safeParse(part).success) return [part as Content]
    const type = String(toFields(part)?.type ?? typeof part)
    notices.add('part', `${where}, message ${index + 1}`, `it is of the kind "${type}", which is not known, or broken`)
    return []
  })
}

/** An error of a newer lmapp may have a code that is not known here. */
function readError(value: unknown): ImportedMessage['error'] {
  const fields = toFields(value)
  if (!fields || !errorData.safeParse({ ...fields, code: 'internal' }).success) return null
  const known: unknown = isErrorCode(fields.code) ? fields : { ...fields, code: 'engine-failed' }
  return known as ImportedMessage['error']
}

/** The value as it is, so that what is exported again is the same. */
function orNull<T>(isValid: boolean, value: unknown): T | null {
  return isValid ? (value as T) : null
}

function requireText(fields: Fields, name: string, mayBeEmpty = false): string {
  const text = toCleanText(fields[name])
  if (text === undefined || (text === '' && !mayBeEmpty)) throw new BrokenField(`"${name}" must be a text`)
  return text
}

function optionalText(fields: Fields, name: string): string | null {
  const value = fields[name]
  if (value === undefined || value === null) return null
  return requireText(fields, name, true)
}
