import type { CreateRun } from 'lmapp-client'
import type { ChatOptions, Message, ToolChoice, ToolDefinition } from 'lmapp-kit'
import { content } from './content.ts'
import {
  all,
  badField,
  boolean,
  type Fields,
  fields,
  integer,
  listOf,
  nonEmptyString,
  number,
  object,
  oneOf,
  type Parser,
  string,
} from './fields.ts'

/** Reads the body of `POST /runs`. Throws `bad-input` that names the field. */
export function parseCreateRun(body: unknown): CreateRun {
  const request: CreateRun = fields<CreateRun>(parsers, body)
  const { kind = 'ask' } = request
  if (kind === 'ask' && !request.content?.length) throw badField('content', 'a list with at least one item')
  if (kind !== 'ask' && request.message === undefined && request.conversation === undefined) {
    throw badField('message', `the id of an answer: kind is "${kind}"`)
  }
  return request
}

const options: Parser<ChatOptions> = (value, place) =>
  fields<ChatOptions>(
    {
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
      contextLength: integer(1),
    },
    value,
    place,
  )

const tool: Parser<ToolDefinition> = (value, place) => {
  const source = object(value, place)
  const { name, parameters } = all({ name: nonEmptyString, parameters: object }, source, place)
  return { name, parameters, ...fields({ description: string }, source, place) }
}

const toolChoice: Parser<ToolChoice> = (value, place) => {
  if (value === 'auto' || value === 'none' || value === 'required') return value
  if (typeof value === 'string') throw badField(place, 'auto, none, required or { name }')
  return all({ name: nonEmptyString }, object(value, place), place)
}

const reasoning: Parser<boolean | 'low' | 'medium' | 'high'> = (value, place) => {
  if (typeof value === 'boolean' || value === 'low' || value === 'medium' || value === 'high') return value
  throw badField(place, 'true, false, low, medium or high')
}

const message: Parser<Message> = (value, place) => {
  const source = object(value, place)
  return all({ role: oneOf('system', 'user', 'assistant', 'tool'), content: listOf(content) }, source, place)
}

const parsers: Fields<CreateRun> = {
  model: nonEmptyString,
  kind: oneOf('ask', 'retry', 'continue'),
  conversation: nonEmptyString,
  message: nonEmptyString,
  content: listOf(content),
  messages: listOf(message),
  system: string,
  options,
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
