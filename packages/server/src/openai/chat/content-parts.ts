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
import { parseDataUrl } from '../data-url.ts'

const inlineUrl = { type: 'string', pattern: '^data:', description: 'A data: URL in base64; nothing is fetched.' }

const image: Parser<Content> = parser(inlineUrl, (value, place) => {
  const { mediaType, data } = parseDataUrl(nonEmptyString(value, place), place)
  if (!mediaType.startsWith('image/')) throw badField(place, 'the data: URL of an image')
  return { type: 'image', mediaType: mediaType === 'image/jpg' ? 'image/jpeg' : mediaType, data }
})

const fileText: Parser<{ mediaType: string; text: string }> = parser(inlineUrl, (value, place) => {
  const { mediaType, data } = parseDataUrl(nonEmptyString(value, place), place)
  const text = isTextType(mediaType) ? decodeText(data) : undefined
  if (text === undefined) throw unsupportedField(place, `only files of text are read, and this one is ${mediaType}`)
  return { mediaType, text }
})

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

function isTextType(mediaType: string): boolean {
  return /^(text\/.+|application\/(json|xml|yaml|x-yaml|toml|javascript|x-sh|sql)|.+\+(json|xml))$/.test(mediaType)
}

function decodeText(data: string): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(data, 'base64'))
  } catch {
    return undefined
  }
}
