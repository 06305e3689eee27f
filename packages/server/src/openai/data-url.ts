import type { Content } from 'lmapp-kit'
import { base64 } from '../parse/content.ts'
import { badField, described, nonEmptyString, parser } from '../parse/fields.ts'
import { unsupportedField } from '../parse/left-out.ts'

/** Where something is sent inline. */
export const inlineUrl = described(
  'A data: URL in base64; nothing is fetched.',
  parser({ type: 'string', pattern: '^data:' }, nonEmptyString),
)

export function readImage(url: string, place: string): Content {
  const { mediaType, data } = parseDataUrl(url, place)
  if (!mediaType.startsWith('image/')) throw badField(place, 'the data: URL of an image')
  return { type: 'image', mediaType: mediaType === 'image/jpg' ? 'image/jpeg' : mediaType, data }
}

/** Throws `unsupported` for a file that is no text. */
export function readTextFile(url: string, place: string): { mediaType: string; text: string } {
  const { mediaType, data } = parseDataUrl(url, place)
  const text = isTextType(mediaType) ? decodeText(data) : undefined
  if (text === undefined) throw unsupportedField(place, `only files of text are read, and this one is ${mediaType}`)
  return { mediaType, text }
}

interface DataUrl {
  mediaType: string
  /** Base64. */
  data: string
}

/** What is given inline. Nothing is fetched: addresses are refused by name. */
function parseDataUrl(url: string, place: string): DataUrl {
  if (/^https?:/i.test(url.slice(0, 6))) {
    throw unsupportedField(place, 'nothing is fetched, so what is meant must be sent inline, as a data: URL')
  }
  const comma = url.indexOf(',')
  const head = /^data:([\w.+-]+\/[\w.+-]+)(?:;[\w.+=-]+)*;base64$/i.exec(comma < 0 ? '' : url.slice(0, comma))
  if (!head?.[1]) throw badField(place, 'a data: URL in base64')
  return { mediaType: head[1].toLowerCase(), data: base64(url.slice(comma + 1), place) }
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
