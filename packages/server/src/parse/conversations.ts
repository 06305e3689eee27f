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
  all,
  badField,
  boolean,
  type Fields,
  fields,
  listOf,
  nonEmptyString,
  number,
  object,
  oneOf,
  orNull,
  type Parser,
  string,
} from './fields.ts'
import { parsePatchConversation as parsePatch } from './requests.ts'

/** Bodies and queries about the history. All throw `bad-input` that names the field. */

export function parsePatchConversation(body: unknown): PatchConversation {
  const { tags: given, ...patch } = parsePatch(body)
  return { ...patch, ...(given && { tags: tags(given, 'tags') }) }
}

export function parseForkConversation(body: unknown): ForkConversation {
  return fields<ForkConversation>({ message: nonEmptyString, title: nonEmptyString }, body)
}

export function parsePruneConversations(body: unknown): PruneConversations {
  return {
    ...all<Pick<PruneConversations, 'before'>>({ before: time }, body),
    ...fields<Omit<PruneConversations, 'before'>>({ tag: nonEmptyString, dryRun: boolean }, body),
  }
}

export function parseImportConversations(body: unknown): ImportConversations {
  return all<ImportConversations>({ conversations: listOf(conversation) }, body)
}

export function queryBoolean(query: URLSearchParams, name: string): boolean | undefined {
  const value = query.get(name)
  return value === null ? undefined : oneOf('true', 'false')(value, name) === 'true'
}

const longestTag = 64
const mostTags = 100
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
const control = /[\u0000-\u001f\u007f-\u009f]/

const tag: Parser<string> = (value, place) => {
  const text = nonEmptyString(value, place).replace(/\s+/gu, ' ').trim()
  if (text === '' || text.length > longestTag || control.test(text)) {
    throw badField(place, `a word or some, of at most ${longestTag} characters`)
  }
  return text
}

const tags: Parser<string[]> = (value, place) => {
  const list = [...new Set(listOf(tag)(value, place))].sort()
  if (list.length > mostTags) throw badField(place, `at most ${mostTags} tags`)
  return list
}

/** As the store compares them: always with milliseconds and `Z`. */
const time: Parser<string> = (value, place) => {
  const text = string(value, place)
  const parsed = new Date(/^\d{4}-\d\d-\d\d/.test(text) ? text : Number.NaN)
  if (Number.isNaN(parsed.getTime())) throw badField(place, 'a time as 2026-01-31T12:00:00.000Z')
  const iso = parsed.toISOString()
  if (iso.length !== 24) throw badField(place, 'a time from the year 0 to the year 9999')
  return iso
}

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

/** Of a newer lmapp it may have a code that is not known here. */
const error: Parser<ErrorData> = (value, place) => {
  const source = object(value, place)
  const { message } = all({ message: string }, source, place)
  const { hint, details } = fields<{ hint?: string; details?: object }>(
    { hint: string, details: object },
    source,
    place,
  )
  const code = isErrorCode(source.code) ? source.code : 'engine-failed'
  return {
    code,
    message,
    ...(hint !== undefined && { hint }),
    ...(details && isSmall(details) && { details: { ...details } }),
  }
}

const longestDetails = 10_000

/** Neither long nor endlessly nested. */
function isSmall(value: object): boolean {
  try {
    return JSON.stringify(value).length <= longestDetails
  } catch {
    return false
  }
}

const message: Parser<ImportMessage> = (value, place) =>
  all<ImportMessage>(
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
      usage: orNull((given, where) => fields(usage, given, where)),
      timings: orNull((given, where) => fields(timings, given, where)),
      createdAt: time,
    },
    value,
    place,
  )

const conversation: Parser<ImportConversation> = (value, place) => {
  const source = object(value, place)
  try {
    return {
      ...all<Omit<ImportConversation, 'pinned' | 'tags'>>(
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
        source,
        place,
      ),
      ...fields<Pick<ImportConversation, 'pinned' | 'tags'>>({ pinned: boolean, tags }, source, place),
    }
  } catch (cause) {
    throw naming(source.id, cause)
  }
}

/** So that whoever sent many can leave this one out. */
function naming(id: unknown, error: unknown): unknown {
  if (typeof id !== 'string' || !isLmappError(error)) return error
  const { code, message, hint, details } = error
  return new LmappError(code, message, { hint, details: { ...details, conversation: id }, cause: error })
}
