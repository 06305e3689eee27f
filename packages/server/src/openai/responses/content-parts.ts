import type { Content } from 'lmapp-kit'
import {
  badField,
  lenient,
  listOf,
  nonEmptyString,
  object,
  oneOf,
  type Parser,
  parser,
  string,
  tagged,
} from '../../parse/fields.ts'
import { unsupportedField } from '../../parse/left-out.ts'
import { inlineUrl, readImage, readTextFile } from '../data-url.ts'

/** A part of what was said, as it is read, and as it is shown again. */
export interface ReadPart {
  content: Content
  wire: Readonly<Record<string, unknown>>
}

const text = lenient({ text: string }, {})
const parts = tagged('type', {
  input_text: text,
  output_text: text,
  text,
  refusal: lenient({ refusal: string }, {}),
  input_image: lenient({ image_url: inlineUrl }, { detail: oneOf('auto', 'low', 'high', 'original') }),
  input_file: lenient({ file_data: inlineUrl }, { filename: nonEmptyString }),
})

const part: Parser<ReadPart> = parser(parts.schema, (value, place) => {
  refuseUnread(value, place)
  const read = parts(value, place)
  switch (read.type) {
    case 'input_text':
    case 'output_text':
    case 'text':
      return toTextPart(read.text)
    case 'refusal':
      return { content: { type: 'text', text: read.refusal }, wire: { type: 'refusal', refusal: read.refusal } }
    case 'input_image': {
      const { image_url, detail = 'auto' } = read
      return {
        content: readImage(image_url, `${place}.image_url`),
        wire: { type: 'input_image', image_url, detail, file_id: null },
      }
    }
    case 'input_file': {
      const { file_data, filename = 'file' } = read
      return {
        content: { type: 'file', name: filename, ...readTextFile(file_data, `${place}.file_data`) },
        wire: { type: 'input_file', filename, file_data },
      }
    }
    default:
      return read satisfies never
  }
})

const list = listOf(part, { least: 1 })

/** A text, or a list of parts. */
export const contentParts: Parser<ReadPart[]> = parser({ anyOf: [string.schema, list.schema] }, (value, place) => {
  if (typeof value === 'string') return [toTextPart(value)]
  if (!Array.isArray(value)) throw badField(place, 'a string or a list of parts')
  return list(value, place)
})

function toTextPart(words: string): ReadPart {
  return { content: { type: 'text', text: words }, wire: { type: 'input_text', text: words } }
}

/** What the API has and no backend reads. */
function refuseUnread(value: unknown, place: string): void {
  const given = object(value, place)
  if (given.type === 'input_audio') throw unsupportedField(place, 'no backend hears')
  for (const name of ['file_id', 'file_url']) {
    const isInline = typeof given.image_url === 'string' || typeof given.file_data === 'string'
    if (typeof given[name] === 'string' && !isInline) {
      throw unsupportedField(`${place}.${name}`, 'nothing is kept or fetched here, so it must be sent inline')
    }
  }
}
