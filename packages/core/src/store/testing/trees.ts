import { createId, type ImportConversation, type ImportMessage } from '../index.ts'

export const at = '2026-01-02T03:04:05.678Z'

export function toMessage(values: Partial<ImportMessage> & { text: string }): ImportMessage {
  return {
    id: createId(),
    parentId: null,
    role: 'user',
    parts: [{ type: 'text', text: values.text }],
    state: 'complete',
    model: null,
    reason: null,
    error: null,
    usage: null,
    timings: null,
    createdAt: at,
    ...values,
  }
}

/** A question with two answers, the second one the head; `text` is in all of them. */
export function toTree(text: string, values: Partial<ImportConversation> = {}): ImportConversation {
  const question = toMessage({ text: `${text}?` })
  const below = { parentId: question.id, role: 'assistant', model: 'box/tiny' } as const
  const first = toMessage({ ...below, text: `${text} one`, state: 'length', reason: 'length' })
  const second = toMessage({ ...below, text: `${text} two`, usage: { outputTokens: 2 }, timings: { totalMs: 5 } })
  return {
    id: createId(),
    title: `About ${text}`,
    model: 'box/tiny',
    head: second.id,
    system: 'Be brief.',
    createdAt: at,
    updatedAt: at,
    messages: [question, first, second],
    ...values,
  }
}

/** A PNG of one pixel, and other bytes that stand for images. */
export const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

export const toImage = (text: string) =>
  ({ type: 'image', mediaType: 'image/png', data: Buffer.from(text).toString('base64') }) as const
