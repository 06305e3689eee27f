import { randomUUID } from 'node:crypto'
import type { ApiMessage, ImportMessage } from 'lmapp-client'
import { toMessage } from '../interactive/unsaved-turns.ts'
import type { Summary } from './summarize.ts'

/** The question that a summary stands under: nothing in the new conversation is to be summarized again. */
export const opening = 'Summarize our conversation so far, so that we can go on from there.'

/** The summary as an answer, then copies of what stays word for word. */
export function toCompacted({ text, model, end }: Summary, kept: readonly ApiMessage[]): ImportMessage[] {
  const question: ImportMessage = { ...toMessage('user', [{ type: 'text', text: opening }]), state: 'complete' }
  const summary: ImportMessage = {
    ...toMessage('assistant', [{ type: 'text', text }]),
    state: end.state,
    reason: end.reason ?? null,
    parentId: question.id,
    model: model ?? null,
    usage: withoutPrompt(end.usage),
    timings: end.timings,
  }
  const messages = [question, summary]
  for (const message of kept) {
    messages.push({
      ...message,
      id: randomUUID(),
      parentId: messages.at(-1)?.id ?? null,
      state: message.state === 'running' ? 'incomplete' : message.state,
      usage: message.usage && withoutPrompt(message.usage),
    })
  }
  return messages
}

/** The prompt that was counted then is not that of this conversation. */
function withoutPrompt({ inputTokens: _read, cachedTokens: _cached, ...usage }: Summary['end']['usage']) {
  return usage
}
