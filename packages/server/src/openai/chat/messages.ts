import type { Content, Message, ToolCallContent } from 'lmapp-kit'
import {
  badField,
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
} from '../../parse/fields.ts'
import { only, unsupportedField } from '../../parse/left-out.ts'
import { assistantContent, textContent, userContent } from './content-parts.ts'

const calledFunction = lenient(
  { name: nonEmptyString },
  { arguments: described('JSON, as the model wrote it.', byKind({ string, object })) },
)

const wireToolCall = lenient({ id: nonEmptyString, function: calledFunction }, { type: oneOf('function') })

const toolCall: Parser<ToolCallContent> = parser(wireToolCall.schema, (value, place) => {
  if (object(value, place).type === 'custom') throw unsupportedField(`${place}.type`, 'only functions can be called')
  const { id, function: called } = wireToolCall(value, place)
  const { name, arguments: given = '' } = called
  return { type: 'tool-call', id, name, arguments: typeof given === 'string' ? given : JSON.stringify(given) }
})

const system = lenient({ content: textContent }, { name: string })
const user = lenient({ content: userContent }, { name: string })
const assistant = lenient(
  {},
  {
    content: assistantContent,
    refusal: string,
    reasoning_content: string,
    reasoning: described('Another name of `reasoning_content`.', string),
    tool_calls: listOf(toolCall),
    name: string,
    function_call: only({ type: 'null' }, () => false, 'give "tool_calls" instead'),
    audio: only({ type: 'null' }, () => false, 'only texts and "tool_calls" are'),
  },
)
const tool = lenient({ content: textContent, tool_call_id: nonEmptyString }, { name: string })

const roles = tagged('role', { system, developer: system, user, assistant, tool })
type WireMessage = Read<typeof roles>

const wireMessage: Parser<WireMessage> = parser(roles.schema, (value, place) => {
  if (object(value, place).role === 'function') {
    throw unsupportedField(`${place}.role`, '"function" is the role of an older API, which "tool" has replaced')
  }
  return roles(value, place)
})

export interface ReadMessages {
  messages: Message[]
  /** What was left out of them, for people. */
  ignored: string[]
}

const wireMessages = listOf(wireMessage, { least: 1 })

/** The whole prompt. Each result of a tool gets the name of the call that it answers. */
export const messages: Parser<ReadMessages> = parser(wireMessages.schema, (value, place) => {
  const wire = wireMessages(value, place)
  const calls = new Map<string, string>()
  const read = wire.map((message, index) => toMessage(message, calls, `${place}[${index}]`))
  const named = wire.some((message) => message.role !== 'tool' && message.name !== undefined)
  const ignored = named ? [`"${place}[].name" is ignored: models are told roles, and no names.`] : []
  return { messages: read, ignored }
})

function toMessage(message: WireMessage, calls: Map<string, string>, place: string): Message {
  switch (message.role) {
    case 'system':
    case 'developer':
      return { role: 'system', content: message.content }
    case 'user':
      return { role: 'user', content: message.content }
    case 'assistant':
      return toAnswer(message, calls, place)
    case 'tool':
      return toToolResult(message, calls, place)
    default:
      return message satisfies never
  }
}

function toAnswer(message: Read<typeof assistant>, calls: Map<string, string>, place: string): Message {
  const { content = [], refusal = '', tool_calls: called = [] } = message
  const thought = message.reasoning_content ?? message.reasoning ?? ''
  for (const { id, name } of called) calls.set(id, name)
  const answer: Content[] = [
    ...(thought === '' ? [] : [{ type: 'reasoning' as const, text: thought }]),
    ...content,
    ...(refusal === '' ? [] : [{ type: 'text' as const, text: refusal }]),
    ...called,
  ]
  if (answer.length === 0) throw badField(`${place}.content`, 'there where nothing was called')
  return { role: 'assistant', content: answer }
}

function toToolResult(message: Read<typeof tool>, calls: ReadonlyMap<string, string>, place: string): Message {
  const { tool_call_id: id, content } = message
  const name = calls.get(id) ?? message.name
  if (name === undefined) throw badField(`${place}.tool_call_id`, 'the id of a call in an earlier message')
  const text = content.map((item) => (item.type === 'text' ? item.text : '')).join('')
  return { role: 'tool', content: [{ type: 'tool-result', id, name, text }] }
}
