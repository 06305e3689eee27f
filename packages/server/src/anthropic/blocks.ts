import { LmappError } from 'lmapp-kit'
import { base64 } from '../parse/content.ts'
import {
  anything,
  boolean,
  byKind,
  described,
  lenient,
  listOf,
  nonEmptyString,
  object,
  oneOf,
  type Parser,
  parser,
  type Read,
  string,
  tagged,
} from '../parse/fields.ts'
import { jsonObject } from './json-object.ts'

/** What messages are made of. `cache_control`, which all blocks may have, needs no answer: engines cache by themselves. */

const text = lenient({ text: string }, { citations: anything })

const imageSource = onlyOf(
  'Images are taken as base64 only, and nothing is fetched',
  tagged('type', {
    base64: lenient({ media_type: oneOf('image/jpeg', 'image/png', 'image/gif', 'image/webp'), data: base64 }, {}),
  }),
  ['url', 'file'],
)

const documentSource = onlyOf(
  'Documents are taken as plain text only',
  tagged('type', { text: lenient({ data: string }, { media_type: oneOf('text/plain') }) }),
  ['base64', 'url', 'file', 'content'],
)

const image = lenient({ source: imageSource }, {})
const document = lenient({ source: documentSource }, { title: string, context: string, citations: anything })

const textBlock = tagged('type', { text })
const resultBlock = tagged('type', { text, image, document })

const toolResult = lenient(
  { tool_use_id: nonEmptyString },
  { content: byKind({ string, array: listOf(resultBlock) }), is_error: boolean },
)
const toolUse = lenient({ id: nonEmptyString, name: nonEmptyString, input: jsonObject }, {})
const thinking = lenient({ thinking: string }, { signature: string })
const redactedThinking = described('Left out: only its author can read it.', lenient({}, { data: string }))

const userBlock = tagged('type', { text, image, document, tool_result: toolResult })
const assistantBlock = tagged('type', { text, thinking, redacted_thinking: redactedThinking, tool_use: toolUse })

export type UserBlock = Read<typeof userBlock>
export type AssistantBlock = Read<typeof assistantBlock>
export type DocumentBlock = Extract<UserBlock, { type: 'document' }>
export type ToolResultBlock = Extract<UserBlock, { type: 'tool_result' }>

/** Plain text, or blocks of it. */
export const textContent = byKind({ string, array: listOf(textBlock) })

/** One turn. `system` in between is what newer clients send. */
export const messageParam = tagged('role', {
  user: lenient({ content: byKind({ string, array: listOf(userBlock) }) }, {}),
  assistant: lenient({ content: byKind({ string, array: listOf(assistantBlock) }) }, {}),
  system: lenient({ content: textContent }, {}),
})

export type MessageParam = Read<typeof messageParam>

/** Refuses by name the other types that the API has. */
function onlyOf<T>(why: string, parse: Parser<T>, others: readonly string[]): Parser<T> {
  return parser(parse.schema, (value, place) => {
    const { type } = object(value, place)
    if (typeof type === 'string' && others.includes(type)) {
      throw new LmappError('unsupported', `"${place}" is of the type "${type}". ${why}.`, {
        hint: 'Put what it holds into the request',
        details: { field: place },
      })
    }
    return parse(value, place)
  })
}
