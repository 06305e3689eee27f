import type { CreateRun } from 'lmapp-client'
import type { ChatOptions, Message, ToolChoice, ToolDefinition } from 'lmapp-kit'
import { content } from './content.ts'
import {
  badField,
  boolean,
  byKind,
  type Fields,
  integer,
  listOf,
  nonEmptyString,
  number,
  object,
  oneOf,
  type Parser,
  parser,
  record,
  string,
} from './fields.ts'

const optionFields: Fields<ChatOptions> = {
  temperature: number,
  topP: number,
  topK: integer(0),
  minP: number,
  repeatPenalty: number,
  presencePenalty: number,
  frequencyPenalty: number,
  seed: integer(Number.MIN_SAFE_INTEGER),
  maxTokens: integer(1),
  stop: listOf(nonEmptyString),
  logprobs: integer(0, 20),
  contextLength: integer(1),
}

const tool: Parser<ToolDefinition> = record({ name: nonEmptyString, parameters: object }, { description: string })

const namedChoice = byKind({ string: oneOf('auto', 'none', 'required'), object: record({ name: nonEmptyString }, {}) })
const toolChoice: Parser<ToolChoice> = parser(namedChoice.schema, (value, place) => {
  if (typeof value === 'string' && value !== 'auto' && value !== 'none' && value !== 'required') {
    throw badField(place, 'auto, none, required or { name }')
  }
  return namedChoice(value, place)
})

const reasoning: Parser<boolean | 'low' | 'medium' | 'high'> = parser(
  { anyOf: [{ type: 'boolean' }, { type: 'string', enum: ['low', 'medium', 'high'] }] },
  (value, place) => {
    if (typeof value === 'boolean' || value === 'low' || value === 'medium' || value === 'high') return value
    throw badField(place, 'true, false, low, medium or high')
  },
)

export const message: Parser<Message> = record(
  { role: oneOf('system', 'user', 'assistant', 'tool'), content: listOf(content) },
  {},
)

const fields: Fields<CreateRun> = {
  model: nonEmptyString,
  kind: oneOf('ask', 'retry', 'continue'),
  conversation: nonEmptyString,
  message: nonEmptyString,
  content: listOf(content),
  messages: listOf(message),
  system: string,
  options: record({}, optionFields),
  tools: listOf(tool),
  toolChoice,
  schema: object,
  reasoning,
  save: boolean,
  failover: boolean,
  terminal: nonEmptyString,
  allowFetch: boolean,
  offline: boolean,
  cancelOnDisconnect: boolean,
}
const shape: Parser<CreateRun> = record({}, fields)

const kinds = [
  { properties: { kind: { const: 'ask' }, content: { minItems: 1 } }, required: ['content'] },
  { properties: { kind: { enum: ['retry', 'continue'] } }, required: ['kind', 'message'] },
  { properties: { kind: { enum: ['retry', 'continue'] } }, required: ['kind', 'conversation'] },
]

/** The body of `POST /runs`. */
export const createRun: Parser<CreateRun> = parser({ ...shape.schema, anyOf: kinds }, (body, place) => {
  const request = shape(body, place)
  const { kind = 'ask' } = request
  if (kind === 'ask' && !request.content?.length) throw badField('content', 'a list with at least one item')
  if (kind !== 'ask' && request.message === undefined && request.conversation === undefined) {
    throw badField('message', `the id of an answer: kind is "${kind}"`)
  }
  return request
})
