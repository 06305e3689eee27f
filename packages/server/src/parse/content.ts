import type { Content } from 'lmapp-kit'
import { all, badField, boolean, type Fields, nonEmptyString, object, type Parser, string } from './fields.ts'

type Item<T extends Content['type']> = Omit<Extract<Content, { type: T }>, 'type'>

const text: Fields<Item<'text'>> = { text: string }
const image: Fields<Item<'image'>> = { mediaType: nonEmptyString, data: base64 }
const file: Fields<Item<'file'>> = { name: nonEmptyString, mediaType: nonEmptyString, text: string }
const toolCall: Fields<Item<'tool-call'>> = { id: string, name: nonEmptyString, arguments: string }
const toolResult: Fields<Item<'tool-result'>> = { id: string, name: nonEmptyString, text: string, isError: boolean }

/** One item of a message's content. */
export const content: Parser<Content> = (value, place) => {
  const item = object(value, place)
  switch (item.type) {
    case 'text':
    case 'reasoning':
      return { type: item.type, ...all(text, item, place) }
    case 'image':
      return { type: 'image', ...all(image, item, place) }
    case 'file':
      return { type: 'file', ...all(file, item, place) }
    case 'tool-call':
      return { type: 'tool-call', ...all(toolCall, item, place) }
    case 'tool-result':
      return { type: 'tool-result', ...all(toolResult, { isError: false, ...item }, place) }
    default:
      throw badField(`${place}.type`, 'one of text, reasoning, image, file, tool-call, tool-result')
  }
}

function base64(value: unknown, place: string): string {
  const data = nonEmptyString(value, place)
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(data)) throw badField(place, 'base64')
  return data
}
