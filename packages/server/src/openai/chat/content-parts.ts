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

const image = parser(inlineUrl.schema, (value, place) => readImage(inlineUrl(value, place), place))
const fileText = parser(inlineUrl.schema, (value, place) => readTextFile(inlineUrl(value, place), place))

const textPart = lenient({ text: string }, {})
const imagePart = lenient({ image_url: lenient({ url: image }, { detail: oneOf('auto', 'low', 'high') }) }, {})
const filePart = lenient({ file: lenient({ file_data: fileText }, { filename: nonEmptyString }) }, {})
const refusalPart = lenient({ refusal: string }, {})

const userParts = tagged('type', { text: textPart, image_url: imagePart, file: filePart })
const assistantParts = tagged('type', { text: textPart, refusal: refusalPart })
const textParts = tagged('type', { text: textPart })

const userPart: Parser<Content> = parser(userParts.schema, (value, place) => {
  refuseUnread(value, place)
  const part = userParts(value, place)
  switch (part.type) {
    case 'text':
      return { type: 'text', text: part.text }
    case 'image_url':
      return part.image_url.url
    case 'file':
      return { type: 'file', name: part.file.filename ?? 'file', ...part.file.file_data }
    default:
      return part satisfies never
  }
})

const assistantPart: Parser<Content> = parser(assistantParts.schema, (value, place) => {
  const part = assistantParts(value, place)
  return { type: 'text', text: part.type === 'text' ? part.text : part.refusal }
})

const textOnly: Parser<Content> = parser(textParts.schema, (value, place) => ({
  type: 'text',
  text: textParts(value, place).text,
}))

/** By the role of the message: a text, or a list of parts. */
export const userContent = textOr(userPart)
export const assistantContent = textOr(assistantPart)
export const textContent = textOr(textOnly)

function textOr(part: Parser<Content>): Parser<Content[]> {
  const parts = listOf(part, { least: 1 })
  return parser({ anyOf: [string.schema, parts.schema] }, (value, place) => {
    if (typeof value === 'string') return [{ type: 'text', text: value }]
    if (!Array.isArray(value)) throw badField(place, 'a string or a list of parts')
    return parts(value, place)
  })
}

/** What the API has and no backend reads. */
function refuseUnread(value: unknown, place: string): void {
  const { type, file } = object(value, place)
  if (type === 'input_audio') throw unsupportedField(`${place}.input_audio`, 'no backend hears')
  if (type === 'file' && typeof file === 'object' && file !== null && 'file_id' in file && !('file_data' in file)) {
    throw unsupportedField(`${place}.file.file_id`, 'no files are kept here, so it must be sent inline, as file_data')
  }
}
