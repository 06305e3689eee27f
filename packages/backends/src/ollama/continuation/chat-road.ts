import { type Part, toText } from 'lmapp-kit'
import type { HttpResponse } from '../../http/index.ts'
import { readAnswer } from '../answer.ts'
import type { ChatBody } from '../chat-body.ts'
import { leavesLastMessageOpen } from '../models.ts'
import { type Sender, sendUntilHeaders } from '../send.ts'
import { cutLastWord } from './last-word.ts'
import { type Road, refusal } from './road.ts'

/**
 * An assistant's message as the last one, where the template leaves it open. The last word of it is withdrawn: the model
 * has to give it again, which is swallowed, or nothing of its answer is used.
 */
export function createChatRoad(sender: Sender): Road {
  return {
    name: 'chat',
    mayLead: (details) => leavesLastMessageOpen(details?.info.template),
    async *go(asked, signal) {
      const { request, body } = asked
      const cut = cutLastWord(toText(request.messages.at(-1)?.content ?? []))
      if (!cut) throw refusal(request.model, 'that has no last word')
      let response: HttpResponse | undefined
      try {
        const sent = withLastMessage(body, cut.kept)
        response = yield* sendUntilHeaders(sender, { path: '/api/chat', body: sent }, signal)
        yield { type: 'status', phase: 'generating' }
        yield* withoutWithdrawn(readAnswer(response, asked), { model: request.model, withdrawn: cut.withdrawn })
      } finally {
        response?.close()
      }
    },
  }
}

/** With nothing kept the answer is begun by the template. */
function withLastMessage(body: ChatBody, content: string): ChatBody {
  const messages = body.messages.slice(0, -1)
  return { ...body, messages: content === '' ? messages : [...messages, { role: 'assistant', content }] }
}

async function* withoutWithdrawn(
  parts: AsyncIterable<Part>,
  { model, withdrawn }: { model: string; withdrawn: string },
): AsyncGenerator<Part, void, undefined> {
  let due = withdrawn
  for await (const part of parts) {
    if (due !== '' && part.type !== 'status' && part.type !== 'warning') {
      const text = part.type === 'text-delta' ? part.text : ''
      const shared = Math.min(due.length, text.length)
      if (shared === 0 || text.slice(0, shared) !== due.slice(0, shared)) throw refusal(model, 'as it stands')
      due = due.slice(shared)
      if (text.length > shared) yield { type: 'text-delta', text: text.slice(shared) }
      continue
    }
    yield part
  }
}
