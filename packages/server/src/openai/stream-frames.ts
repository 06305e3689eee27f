import type { Handover, LmappError, Warning } from 'lmapp-kit'
import { toErrorObject } from './error.ts'

/** A stream that broke off: both of OpenAI's libraries raise on it, and neither a reason nor `[DONE]` follows. */
export function toErrorFrame(error: LmappError): string {
  return `data: ${JSON.stringify({ error: toErrorObject(error) })}\n\n`
}

export const doneFrame = 'data: [DONE]\n\n'

/** For people who read the stream; clients skip comments. */
export function toCommentFrame(event: Warning | Handover): string {
  const text = event.type === 'warning' ? `warning: ${event.message}` : `${event.to} goes on for ${event.from}`
  return `: ${text.replace(/[\r\n]+/g, ' ')}\n\n`
}
