import type { Content } from 'lmapp-kit'
import { badField, boolean, nonEmptyString, type Parser, parser, record, string, tagged } from './fields.ts'

const base64Pattern = '^[A-Za-z0-9+/]+={0,2}$'
const isBase64 = new RegExp(base64Pattern)
const base64Schema = { type: 'string', contentEncoding: 'base64', pattern: base64Pattern }

export const base64 = parser(base64Schema, (value, place) => {
  const data = nonEmptyString(value, place)
  if (!isBase64.test(data)) throw badField(place, 'base64')
  return data
})

/** One item of a message's content. */
export const content: Parser<Content> = tagged('type', {
  text: record({ text: string }, {}),
  reasoning: record({ text: string }, {}),
  image: record({ mediaType: nonEmptyString, data: base64 }, {}),
  file: record({ name: nonEmptyString, mediaType: nonEmptyString, text: string }, {}),
  'tool-call': record({ id: string, name: nonEmptyString, arguments: string }, {}),
  'tool-result': record({ id: string, name: nonEmptyString, text: string }, { isError: boolean }),
})
