import { type Content, type ImageContent, LmappError, type Message, type ToolCallContent, toText } from 'lmapp-kit'
import type { AssistantBlock, DocumentBlock, MessageParam, ToolResultBlock, UserBlock } from './blocks.ts'
import type { CountBody } from './request.ts'

/** A conversation in lmapp's words. */
export interface ReadConversation {
  messages: Message[]
  /** What was left out of it, for people. */
  ignored: string[]
}

/**
 * Results of tools become messages of their own, before what else the user says, and turns of one side that follow each
 * other become one, as the API has it: templates of many models refuse them apart.
 */
export function toMessages({ system, messages }: Pick<CountBody, 'system' | 'messages'>): ReadConversation {
  const ignored: string[] = []
  const toolNames = new Map<string, string>()
  const read: Message[] = []
  const add = (message: Message) => {
    if (message.content.length === 0) return
    const before = read.at(-1)
    if (before && before.role === message.role && message.role !== 'tool') joinTurns(before, message)
    else read.push(message)
  }
  add({ role: 'system', content: toSystem(system ?? [], 'system', ignored) })
  for (const [index, message] of messages.entries()) {
    const place = `messages[${index}].content`
    for (const turn of toTurns(message, { place, toolNames, ignored })) add(turn)
  }
  return { messages: read, ignored }
}

interface Reading {
  place: string
  /** By the id of their call. */
  toolNames: Map<string, string>
  ignored: string[]
}

function toTurns(message: MessageParam, reading: Reading): Message[] {
  switch (message.role) {
    case 'system':
      return [{ role: 'system', content: toSystem(message.content, reading.place, reading.ignored) }]
    case 'assistant':
      return [{ role: 'assistant', content: toAnswer(message.content, reading) }]
    case 'user':
      return toUserTurns(message.content, reading)
    default:
      return message satisfies never
  }
}

/**
 * A line that some clients put in front, for the provider's books. It differs each time, and so would have the whole
 * prompt read anew each time.
 */
const billingLine = /^x-anthropic-billing-header:[^\n]*\n?/

function toSystem(content: string | { text: string }[], place: string, ignored: string[]): Content[] {
  const texts = typeof content === 'string' ? [content] : content.map(({ text }) => text)
  const read = texts.map((text) => text.replace(billingLine, ''))
  if (read.some((text, index) => text !== texts[index])) {
    ignored.push(`The billing line of "${place}" was left out: it is not for the model.`)
  }
  return toTextContent(read.filter((text) => text !== '').join('\n\n'))
}

function toAnswer(content: string | AssistantBlock[], { place, toolNames, ignored }: Reading): Content[] {
  if (typeof content === 'string') return toTextContent(content)
  return content.flatMap((block, index): Content[] => {
    switch (block.type) {
      case 'text':
        return toTextContent(block.text)
      case 'thinking':
        return block.thinking === '' ? [] : [{ type: 'reasoning', text: block.thinking }]
      case 'redacted_thinking':
        ignored.push(`"${place}[${index}]" was left out: redacted thinking can be read by its author only.`)
        return []
      case 'tool_use':
        toolNames.set(block.id, block.name)
        return [toToolCall(block)]
      default:
        return block satisfies never
    }
  })
}

function toToolCall({ id, name, input }: Extract<AssistantBlock, { type: 'tool_use' }>): ToolCallContent {
  return { type: 'tool-call', id, name, arguments: JSON.stringify(input) }
}

function toUserTurns(content: string | UserBlock[], { place, toolNames, ignored }: Reading): Message[] {
  if (typeof content === 'string') return [{ role: 'user', content: toTextContent(content) }]
  const results: Message[] = []
  const pictures: Content[] = []
  const rest: Content[] = []
  for (const [index, block] of content.entries()) {
    const own = `${place}[${index}]`
    if (block.type === 'tool_result') {
      const { text, images } = toResult(block, own, ignored)
      const name = nameOf(block, own, toolNames)
      const isError = block.is_error ?? false
      const result = { type: 'tool-result' as const, id: block.tool_use_id, name, text, ...(isError && { isError }) }
      results.push({ role: 'tool', content: [result] })
      pictures.push(...images)
    } else rest.push(...toContent(block, own, ignored))
  }
  return [...results, { role: 'user', content: [...pictures, ...rest] }]
}

function nameOf({ tool_use_id }: ToolResultBlock, place: string, toolNames: Map<string, string>): string {
  const name = toolNames.get(tool_use_id)
  if (name !== undefined) return name
  throw new LmappError('bad-input', `"${place}.tool_use_id" is the id of no "tool_use" block before it.`, {
    hint: 'Correct the request',
    details: { field: `${place}.tool_use_id` },
  })
}

/** The contract's results are text: images go into the user's turn after them. */
function toResult({ content = '' }: ToolResultBlock, place: string, ignored: string[]) {
  if (typeof content === 'string') return { text: content, images: [] }
  const read = content.flatMap((block, index) => toContent(block, `${place}.content[${index}]`, ignored))
  const images = read.filter((item): item is ImageContent => item.type === 'image')
  const texts = read.filter(({ type }) => type !== 'image').map((item) => toText([item]))
  return { text: texts.join('\n'), images }
}

function toContent(block: Exclude<UserBlock, ToolResultBlock>, place: string, ignored: string[]): Content[] {
  switch (block.type) {
    case 'text':
      return toTextContent(block.text)
    case 'image':
      return [{ type: 'image', mediaType: block.source.media_type, data: block.source.data }]
    case 'document':
      return toFile(block, place, ignored)
    default:
      return block satisfies never
  }
}

function toFile({ source, title, context, citations }: DocumentBlock, place: string, ignored: string[]): Content[] {
  if (citations !== undefined) ignored.push(`"${place}.citations" was left out: no model here cites.`)
  return [
    ...toTextContent(context === undefined ? '' : `${context}\n`),
    { type: 'file', name: title || 'document', mediaType: 'text/plain', text: source.data },
  ]
}

function toTextContent(text: string): Content[] {
  return text === '' ? [] : [{ type: 'text', text }]
}

/** Words of two turns do not run into each other. */
function joinTurns(before: Message, after: Message): void {
  const touches = before.content.at(-1)?.type === 'text' && after.content[0]?.type === 'text'
  before.content.push(...(touches ? toTextContent('\n\n') : []), ...after.content)
}
