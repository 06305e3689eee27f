import type {
  ForkConversation,
  ImportConversation,
  ImportConversations,
  ImportMessage,
  PatchConversation,
  PruneConversations,
} from 'lmapp-client'
import { type ErrorData, isErrorCode, isLmappError, LmappError, type RunEnd } from 'lmapp-kit'
import { content } from './content.ts'
import {
  badField,
  boolean,
  type Fields,
  listOf,
  nonEmptyString,
  number,
  object,
  oneOf,
  orNull,
  type Parser,
  parser,
  record,
  string,
} from './fields.ts'

/** Bodies and queries about the history. All throw `bad-input` that names the field. */

export function queryBoolean(query: URLSearchParams, name: string): boolean | undefined {
  const value = query.get(name)
  return value === null ? undefined : oneOf('true', 'false')(value, name) === 'true'
}

const longestTag = 64
const mostTags = 100
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
const control = /[\u0000-\u001f\u007f-\u009f]/

const tag: Parser<string> = parser({ type: 'string', minLength: 1, maxLength: longestTag }, (value, place) => {
  const text = nonEmptyString(value, place).replace(/\s+/gu, ' ').trim()
  if (text === '' || text.length > longestTag || control.test(text)) {
    throw badField(place, `a word or some, of at most ${longestTag} characters`)
  }
  return text
})

const tagList = listOf(tag)
const tags: Parser<string[]> = parser(tagList.schema, (value, place) => {
  const list = [...new Set(tagList(value, place))].sort()
  if (list.length > mostTags) throw badField(place, `at most ${mostTags} tags`)
  return list
})

const datePattern = '^\\d{4}-\\d\\d-\\d\\d'
const beginsWithDate = new RegExp(datePattern)
const timeSchema = { type: 'string', pattern: datePattern, description: 'ISO 8601, as `2026-01-31T12:00:00.000Z`.' }

/** As the store compares them: always with milliseconds and `Z`. */
const time: Parser<string> = parser(timeSchema, (value, place) => {
  const text = string(value, place)
  const parsed = new Date(beginsWithDate.test(text) ? text : Number.NaN)
  if (Number.isNaN(parsed.getTime())) throw badField(place, 'a time as 2026-01-31T12:00:00.000Z')
  const iso = parsed.toISOString()
  if (iso.length !== 24) throw badField(place, 'a time from the year 0 to the year 9999')
  return iso
})

const reason = oneOf('stop', 'length', 'tool-calls', 'content-filter', 'cancelled', 'other')
const usage: Fields<RunEnd['usage']> = {
  inputTokens: number,
  outputTokens: number,
  cachedTokens: number,
  reasoningTokens: number,
  contextLength: number,
}
const timings: Fields<Partial<RunEnd['timings']>> = {
  loadMs: number,
  promptMs: number,
  generationMs: number,
  firstTokenMs: number,
  totalMs: number,
}

const errorFields = record({ message: string }, { code: string, hint: string, details: object })
/** Of a newer lmapp it may have a code that is not known here. */
const error: Parser<ErrorData> = parser(errorFields.schema, (value, place) => {
  const { message, code, hint, details } = errorFields(value, place)
  return {
    code: isErrorCode(code) ? code : 'engine-failed',
    message,
    ...(hint !== undefined && { hint }),
    ...(details && isSmall(details) && { details }),
  }
})

const longestDetails = 10_000

/** Neither long nor endlessly nested. */
function isSmall(value: object): boolean {
  try {
    return JSON.stringify(value).length <= longestDetails
  } catch {
    return false
  }
}

const message: Parser<ImportMessage> = record(
  {
    id: nonEmptyString,
    parentId: orNull(nonEmptyString),
    role: oneOf('system', 'user', 'assistant', 'tool'),
    text: string,
    parts: listOf(content),
    state: oneOf('complete', 'length', 'stopped', 'incomplete', 'failed', 'crashed'),
    model: orNull(string),
    reason: orNull(reason),
    error: orNull(error),
    usage: orNull(record({}, usage)),
    timings: orNull(record({}, timings)),
    createdAt: time,
  },
  {},
)

const conversationFields: Parser<ImportConversation> = record(
  {
    id: nonEmptyString,
    title: string,
    model: orNull(string),
    head: orNull(nonEmptyString),
    createdAt: time,
    updatedAt: time,
    system: orNull(string),
    messages: listOf(message),
  },
  { pinned: boolean, tags },
)

const conversation: Parser<ImportConversation> = parser(conversationFields.schema, (value, place) => {
  try {
    return conversationFields(value, place)
  } catch (cause) {
    throw naming(object(value, place).id, cause)
  }
})

export const importConversations: Parser<ImportConversations> = record({ conversations: listOf(conversation) }, {})
export const forkConversation: Parser<ForkConversation> = record({}, { message: nonEmptyString, title: nonEmptyString })
export const pruneConversations: Parser<PruneConversations> = record(
  { before: time },
  { tag: nonEmptyString, dryRun: boolean },
)
export const patchConversation: Parser<PatchConversation> = record(
  {},
  { title: nonEmptyString, head: orNull(nonEmptyString), system: orNull(string), pinned: boolean, tags },
)

/** So that whoever sent many can leave this one out. */
function naming(id: unknown, error: unknown): unknown {
  if (typeof id !== 'string' || !isLmappError(error)) return error
  const { code, message, hint, details } = error
  return new LmappError(code, message, { hint, details: { ...details, conversation: id }, cause: error })
}
