import { setTimeout } from 'node:timers/promises'
import type { Part, Phase, Status } from 'lmapp-kit'
import type { HttpResponse } from '../http/index.ts'
import type { ReadOptions } from './answer.ts'
import type { ChatBody } from './chat-body.ts'
import { readChatAnswer } from './chat-completion.ts'
import type { WireConnection } from './connection.ts'

export interface StreamChatOptions extends ReadOptions {
  connection: WireConnection
  body: ChatBody
  /** Default: `/chat/completions`. */
  path?: string
  signal: AbortSignal
  /** What the engine does while no header comes. Default: it reads the prompt. */
  waitingPhase?: Phase
}

/** An engine that answers at once is not said to wait. */
const waitingAfterMs = 50

/**
 * Sends a chat and reads its answer: phases, then the parts, `finish` last. Leaving it, or `signal`, drops the
 * connection, and engines then stop.
 */
export async function* streamChat(options: StreamChatOptions): AsyncGenerator<Part, void, undefined> {
  const { connection, body, signal, path = '/chat/completions', waitingPhase = 'prompt' } = options
  const left = new AbortController()
  const whileHere = AbortSignal.any([signal, left.signal])
  let response: HttpResponse | undefined
  try {
    const sent = connection.request({ method: 'POST', path, body, model: body.model, signal: whileHere })
    yield* untilSent(sent, waitingPhase)
    response = await sent
    for await (const part of readChatAnswer(response, options)) {
      if (part.type === 'finish') response.release()
      yield part
    }
  } finally {
    if (response) response.close()
    else left.abort()
  }
}

async function* untilSent(sent: Promise<unknown>, phase: Phase): AsyncGenerator<Status, void, undefined> {
  const answered = new AbortController()
  const settled = sent.then(
    () => false,
    () => false,
  )
  const waits = setTimeout(waitingAfterMs, true, { signal: answered.signal }).catch(() => false)
  try {
    if (await Promise.race([settled, waits])) yield { type: 'status', phase }
  } finally {
    answered.abort()
  }
}
