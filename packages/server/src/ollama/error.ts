import type { LmappError } from 'lmapp-kit'
import type { JsonSchema } from '../parse/fields.ts'

/** A body, and a line in the middle of a stream. */
export const errorSchema: JsonSchema = {
  type: 'object',
  required: ['error'],
  properties: { error: { type: 'string', description: 'What is wrong, and what to do about it.' } },
  additionalProperties: false,
}

export function toError(error: LmappError): { body: { error: string } } {
  return { body: { error: toErrorText(error) } }
}

/** The hint of lmapp stands behind it: the shape has no other place for it. */
export function toErrorText({ message, hint }: LmappError): string {
  const end = /[.!?]$/.test(message) ? '' : '.'
  return `${message}${end} ${hint}`
}
