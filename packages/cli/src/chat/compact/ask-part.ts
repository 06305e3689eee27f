import type { CreateRun } from 'lmapp-client'
import type { ErrorData } from 'lmapp-kit'
import { type FollowedRun, followRun } from '../follow-run.ts'
import type { Chat } from '../interactive/chat.ts'
import type { Session } from '../session.ts'
import { createPartPrinter } from './part-printer.ts'

export interface PartQuestion {
  model: string | undefined
  prompt: string
  /** Of the answer, in tokens. */
  most: number
  /** `part 2 of 3`; empty: there is only one. */
  part: string
  isLast: boolean
}

export interface AskedPart extends FollowedRun {
  failure?: ErrorData
}

/**
 * Asks for one part of a summary beside the conversation: nothing of it is stored. Nobody but that model is asked, and
 * nothing is fetched for it.
 */
export async function askPart(chat: Chat, { model, prompt, most, part, isLast }: PartQuestion): Promise<AskedPart> {
  const { context, turns } = chat
  const { stop: _stop, ...options } = turns.options
  const request: CreateRun = {
    kind: 'ask',
    content: [{ type: 'text', text: prompt }],
    options: { ...options, maxTokens: most },
    reasoning: false,
    save: false,
    failover: false,
    offline: true,
    ...(model !== undefined && { model }),
  }
  const printer = createPartPrinter(chat, { part, isLast })
  const followed = await followRun({
    context,
    session: toSession(chat),
    printer,
    request,
    open: (client) => client.createRun(request),
  })
  if (isLast) await context.stdout.write('\n')
  const failure = followed.end ? followed.end.error : printer.failure
  return { ...followed, ...(failure && { failure }) }
}

function toSession({ turns }: Chat): Session {
  return {
    client: () => turns.client(),
    async reconnect() {
      await turns.reconnect()
      return turns.client()
    },
    close: async () => {},
  }
}
