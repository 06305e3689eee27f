import type { Content, Message, Role, ToolCallContent } from 'lmapp-kit'
import {
  byKind,
  integer,
  lenient,
  listOf,
  nonEmptyString,
  object,
  oneOf,
  parser,
  type Read,
  string,
} from '../../parse/fields.ts'
import { image } from './image.ts'

const roles = oneOf('system', 'user', 'assistant', 'tool')
const role = parser<Role>(roles.schema, (value, place) =>
  roles(typeof value === 'string' ? value.toLowerCase() : value, place),
)

const called = lenient({ name: nonEmptyString }, { index: integer(0), arguments: byKind({ object, string }) })
const toolCall = lenient({ function: called }, { id: string })

/** A message of `/api/chat`. */
export const message = lenient(
  { role },
  {
    content: string,
    thinking: string,
    images: listOf(image),
    tool_calls: listOf(toolCall),
    tool_name: string,
    tool_call_id: string,
  },
)
type WireMessage = Read<typeof message>

/** In lmapp's words. Calls of tools get an id where they came without one, and results that of the call they answer. */
export function toMessages(given: readonly WireMessage[]): Message[] {
  const unanswered: ToolCallContent[] = []
  return given.map((each, index) => {
    if (each.role === 'tool') return { role: 'tool', content: [toResult(each, unanswered)] }
    const calls = (each.tool_calls ?? []).map((call, place) => toCall(call, `call_${index}_${place}`))
    unanswered.push(...calls)
    return { role: each.role, content: toContent(each, calls) }
  })
}

function toContent({ content = '', thinking = '', images = [] }: WireMessage, calls: ToolCallContent[]): Content[] {
  const others = [...images, ...calls]
  const isText = content !== '' || others.length === 0
  return [
    ...(thinking === '' ? [] : [{ type: 'reasoning' as const, text: thinking }]),
    ...(isText ? [{ type: 'text' as const, text: content }] : []),
    ...others,
  ]
}

function toCall(
  { id, function: { name, arguments: given = {} } }: Read<typeof toolCall>,
  ownId: string,
): ToolCallContent {
  return {
    type: 'tool-call',
    id: id || ownId,
    name,
    arguments: typeof given === 'string' ? given : JSON.stringify(given),
  }
}

/** Most clients tell of a result only the name of its tool, old ones not even that: then calls are answered in their order. */
function toResult(
  { content = '', tool_call_id: id, tool_name: name }: WireMessage,
  unanswered: ToolCallContent[],
): Content {
  const isMeant = (call: ToolCallContent) => (id ? call.id === id : !name || call.name === name)
  const place = unanswered.findIndex(isMeant)
  const [call] = place < 0 ? [] : unanswered.splice(place, 1)
  return { type: 'tool-result', id: id || call?.id || 'call', name: name || call?.name || 'tool', text: content }
}
