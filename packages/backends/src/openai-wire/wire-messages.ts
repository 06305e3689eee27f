import { type Content, type Message, toFencedFile, toText } from 'lmapp-kit'
import { isFields, parseJson } from '../json/fields.ts'
import type { Dialect } from './dialect.ts'

/** A message of `/v1/chat/completions`. */
export interface WireMessage {
  role: string
  content: string | WireContent[] | null
  tool_calls?: { id: string; type: 'function'; function: { name: string; arguments: string } }[]
  tool_call_id?: string
  /** The reasoning, under the name of the dialect. */
  [member: string]: unknown
}

type WireContent = { type: 'text'; text: string } | { type: 'image_url'; image_url: { url: string } }

/** One message for each tool result, since the protocol knows one a message. */
export function toWireMessages(
  message: Message,
  { reasoningMember }: Pick<Dialect, 'reasoningMember'> = {},
): WireMessage[] {
  const results = message.content.filter((item) => item.type === 'tool-result')
  const others = message.content.filter((item) => item.type !== 'tool-result')
  const wire: WireMessage[] = results.map(({ id, text }) => ({ role: 'tool', content: text, tool_call_id: id }))
  if (others.length === 0 && results.length > 0) return wire
  return [...wire, message.role === 'assistant' ? toAnswer(others, reasoningMember) : toOther(message.role, others)]
}

function toOther(role: string, content: readonly Content[]): WireMessage {
  if (!content.some((item) => item.type === 'image')) return { role, content: toText(content) }
  return { role, content: content.flatMap(toWireContent) }
}

/** Its text may be missing only beside calls: some servers refuse `null` alone, others an empty text beside calls. */
function toAnswer(content: readonly Content[], reasoningMember: string | undefined): WireMessage {
  const text = toText(content)
  const calls = content.filter((item) => item.type === 'tool-call')
  const reasoning = content.flatMap((item) => (item.type === 'reasoning' ? [item.text] : [])).join('')
  return {
    role: 'assistant',
    content: text === '' && calls.length > 0 ? null : text,
    ...(reasoningMember !== undefined && reasoning !== '' && { [reasoningMember]: reasoning }),
    ...(calls.length > 0 && {
      tool_calls: calls.map(({ id, name, arguments: given }) => ({
        id,
        type: 'function' as const,
        function: { name, arguments: toArguments(given) },
      })),
    }),
  }
}

/** Templates read the arguments as an object, and fail where they are none: such a text is handed over whole. */
function toArguments(text: string): string {
  if (text.trim() === '') return '{}'
  return isFields(parseJson(text)) ? text : JSON.stringify({ arguments: text })
}

function toWireContent(item: Content): WireContent[] {
  switch (item.type) {
    case 'text':
      return [{ type: 'text', text: item.text }]
    case 'file':
      return [{ type: 'text', text: toFencedFile(item) }]
    case 'image':
      return [{ type: 'image_url', image_url: { url: `data:${item.mediaType};base64,${item.data}` } }]
    default:
      return []
  }
}
