import type { ApiConversation, ApiMessage } from 'lmapp-client'
import type { NumberedRunEvent, RunSnapshot } from 'lmapp-kit'

/** What is there of an answer that goes on. */
export function toSnapshot(run: string, conversation: Pick<ApiConversation, 'id'>, answer: ApiMessage): RunSnapshot {
  const { id: message, text, parts, model } = answer
  const reasoning = parts.flatMap((part) => (part.type === 'reasoning' ? [part.text] : [])).join('')
  const toolCalls = parts.filter((part) => part.type === 'tool-call')
  return {
    type: 'snapshot',
    run,
    conversation: conversation.id,
    message,
    model: model ?? '',
    text,
    reasoning,
    toolCalls,
  }
}

/** So that what comes is shown, and counted, as the end of what was there. */
export async function* withSnapshot(
  snapshot: RunSnapshot,
  events: AsyncIterable<NumberedRunEvent> | readonly NumberedRunEvent[],
): AsyncGenerator<NumberedRunEvent> {
  yield { seq: 0, event: snapshot }
  yield* events
}
