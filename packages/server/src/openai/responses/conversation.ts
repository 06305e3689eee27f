import type { Content, Message } from 'lmapp-kit'
import { badField } from '../../parse/fields.ts'
import type { Item } from './items.ts'

/** What was said in one response, and before it. Responses that go on from the same one share what is before them. */
export interface Turn {
  readonly before: Turn | undefined
  readonly messages: readonly Message[]
  /** About what they take up in memory. */
  readonly bytes: number
}

export function toConversation(turn: Turn | undefined): Message[] {
  const turns: Turn[] = []
  for (let at = turn; at; at = at.before) turns.push(at)
  return turns.reverse().flatMap(({ messages }) => messages)
}

/** Messages out of items. Each result gets the name of the call that it answers; throws `bad-input` where there is none. */
export function toMessages(items: readonly Item[], before: readonly Message[]): Message[] {
  const names = new Map(before.flatMap(({ content }) => content.flatMap(toCallName)))
  const messages: Message[] = []
  let pictures: Content[] = []
  const showPictures = () => {
    if (pictures.length > 0) messages.push({ role: 'user', content: pictures })
    pictures = []
  }
  for (const item of items) {
    if (item.type !== 'result') showPictures()
    switch (item.type) {
      case 'message':
        messages.push({ role: item.role, content: item.content })
        break
      case 'reasoning':
        messages.push({ role: 'assistant', content: [item] })
        break
      case 'call':
        names.set(item.id, item.name)
        messages.push({ role: 'assistant', content: [{ ...item, type: 'tool-call' }] })
        break
      case 'result': {
        const { id, text, images, place } = item
        const name = names.get(id)
        if (name === undefined) throw badField(place, 'the id of a call before it')
        messages.push({ role: 'tool', content: [{ type: 'tool-result', id, name, text }] })
        pictures.push(...images)
        break
      }
      default:
        item satisfies never
    }
  }
  showPictures()
  return messages
}

/**
 * Items of one side that follow each other are one turn: templates of many models refuse them apart. What an assistant
 * said goes on where it stopped; others begin anew.
 */
export function joinTurns(messages: readonly Message[]): Message[] {
  const joined: Message[] = []
  for (const { role, content } of messages) {
    const before = joined.at(-1)
    if (before?.role !== role || role === 'tool') {
      joined.push({ role, content: [...content] })
      continue
    }
    const last = before.content.at(-1)
    const [first, ...rest] = content
    if (last?.type === 'text' && first?.type === 'text') {
      const gap = role === 'assistant' ? '' : '\n\n'
      before.content.splice(-1, 1, { type: 'text', text: last.text + gap + first.text }, ...rest)
    } else before.content.push(...content)
  }
  return joined
}

function toCallName(content: Content): [string, string][] {
  return content.type === 'tool-call' ? [[content.id, content.name]] : []
}
