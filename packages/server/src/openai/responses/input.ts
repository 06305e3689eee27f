import { type ImageContent, toText } from 'lmapp-kit'
import {
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
import { unsupportedField } from '../../parse/left-out.ts'
import { contentParts, type ReadPart } from './content-parts.ts'
import type { NamedItem } from './items.ts'

/** An item of the input; `reference`: it stands for one that is stored. */
export type InputItem = NamedItem | { reference: string; place: string }

export interface ReadInput {
  items: InputItem[]
  /** What was left out of it, for people. */
  ignored: string[]
}

const role = oneOf('user', 'assistant', 'system', 'developer')
const absent = parser({ type: 'null' }, () => null)
const message = lenient({ role, content: contentParts }, { id: string })
const functionCall = lenient(
  { call_id: nonEmptyString, name: nonEmptyString },
  { id: string, arguments: described('JSON, as the model wrote it.', string) },
)
const functionCallOutput = lenient({ call_id: nonEmptyString, output: contentParts }, { id: string })
const thought = lenient({ text: string }, {})
const reasoning = lenient(
  {},
  {
    id: string,
    summary: listOf(thought),
    content: listOf(thought),
    encrypted_content: described('Left out: only its author can read it.', string),
  },
)

const known = tagged('type', {
  message,
  function_call: functionCall,
  function_call_output: functionCallOutput,
  reasoning,
  item_reference: lenient({ id: nonEmptyString }, {}),
})
const knownTypes = ['message', 'function_call', 'function_call_output', 'reasoning', 'item_reference']
const other = {
  type: 'object',
  required: ['type'],
  properties: { type: { type: 'string', minLength: 1, not: { enum: knownTypes } } },
  description: 'Calls of tools that only their provider runs, and what they gave: left out.',
}

type Skipped = { skipped: string }

/** What says no type is a message, or stands for an item that is stored. */
const untyped = [
  lenient({ role, content: contentParts }, { type: absent, id: string }),
  lenient({ id: nonEmptyString }, { type: absent, role: absent }),
].map(({ schema }) => schema)

const inputItem: Parser<InputItem | Skipped> = parser({ anyOf: [known.schema, ...untyped, other] }, (value, place) => {
  const given = object(value, place)
  const type = nonEmptyString(
    given.type ?? ((given.role ?? null) === null ? 'item_reference' : 'message'),
    `${place}.type`,
  )
  if (!knownTypes.includes(type)) {
    return { skipped: `"${place}" is left out: nothing here knows items of the type ${type.slice(0, 40)}.` }
  }
  const read = known({ ...given, type }, place)
  switch (read.type) {
    case 'message':
      return readMessage(read, place)
    case 'function_call':
      return readCall(read)
    case 'function_call_output':
      return readResult(read, place)
    case 'reasoning':
      return readReasoning(read, place)
    case 'item_reference':
      return { reference: read.id, place: `${place}.id` }
    default:
      return read satisfies never
  }
})

const words = described('A question.', nonEmptyString)
const inputItems = byKind({ string: words, array: listOf(inputItem, { least: 1 }) })

/** The input of a request. */
export const input: Parser<ReadInput> = parser(inputItems.schema, (value, place) => {
  const read = inputItems(value, place)
  if (typeof read === 'string') return { items: [toQuestion(read)], ignored: [] }
  return {
    items: read.filter((entry): entry is InputItem => !('skipped' in entry)),
    ignored: read.flatMap((entry) => ('skipped' in entry ? [entry.skipped] : [])),
  }
})

function toQuestion(text: string): InputItem {
  return {
    item: { type: 'message', role: 'user', content: [{ type: 'text', text }] },
    wire: { type: 'message', role: 'user', status: 'completed', content: [{ type: 'input_text', text }] },
  }
}

function readMessage({ id, role, content: parts }: Read<typeof message>, place: string): InputItem {
  const content = parts.map((part) => part.content)
  const unread = role === 'user' ? undefined : content.find(({ type }) => type !== 'text')
  if (unread) throw unsupportedField(`${place}.content`, `a message of the role ${role} has texts only`)
  return {
    item: { type: 'message', role: role === 'developer' ? 'system' : role, content },
    wire: {
      ...(id && { id }),
      type: 'message',
      role,
      status: 'completed',
      content: parts.map(({ wire }) => (role === 'assistant' ? toOutputPart(wire) : wire)),
    },
  }
}

function toOutputPart(wire: ReadPart['wire']): ReadPart['wire'] {
  return wire.type === 'input_text' ? { type: 'output_text', text: wire.text, annotations: [] } : wire
}

function readCall({ id, call_id, name, arguments: given = '' }: Read<typeof functionCall>): InputItem {
  return {
    item: { type: 'call', id: call_id, name, arguments: given },
    wire: {
      ...(id && { id }),
      type: 'function_call',
      call_id,
      name,
      arguments: given,
      status: 'completed',
    },
  }
}

/** The contract's results are text: images follow in a message of the user. */
function readResult({ id, call_id, output }: Read<typeof functionCallOutput>, place: string): InputItem {
  const content = output.map((part) => part.content)
  const images = content.filter((item): item is ImageContent => item.type === 'image')
  const texts = content.filter(({ type }) => type !== 'image').map((item) => toText([item]))
  const [first] = output
  const isPlain = output.length === 1 && first?.wire.type === 'input_text'
  return {
    item: { type: 'result', id: call_id, text: texts.join('\n'), images, place: `${place}.call_id` },
    wire: {
      ...(id && { id }),
      type: 'function_call_output',
      call_id,
      output: isPlain ? first.wire.text : output.map(({ wire }) => wire),
      status: 'completed',
    },
  }
}

function readReasoning(given: Read<typeof reasoning>, place: string): InputItem | Skipped {
  const { id, summary = [], content = [], encrypted_content: sealed } = given
  const thoughts = (content.length > 0 ? content : summary).map(({ text }) => text)
  const text = thoughts.join('\n\n')
  if (text === '') {
    const why = sealed ? 'only its author can read what is encrypted' : 'it is empty'
    return { skipped: `"${place}" is left out: ${why}.` }
  }
  return {
    item: { type: 'reasoning', text },
    wire: {
      ...(id && { id }),
      type: 'reasoning',
      summary: summary.map((part) => ({ type: 'summary_text', ...part })),
      ...(content.length > 0 && { content: content.map((part) => ({ type: 'reasoning_text', ...part })) }),
    },
  }
}
