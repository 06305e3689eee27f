import { type Batched, batches, type Finish, fromBatches, type Part, type Phase } from 'lmapp-kit'
import type { HttpResponse } from '../http/index.ts'
import type { ReadOptions } from './answer.ts'
import type { ChatBody } from './chat-body.ts'
import { readChatAnswer } from './chat-completion.ts'
import type { WireConnection } from './connection.ts'
import { partsBeforeFault } from './part-batches.ts'

export interface StreamChatOptions extends ReadOptions {
  connection: WireConnection
  body: ChatBody
  /** Default: `/chat/completions`. */
  path?: string
  signal: AbortSignal
  /** What the engine does while no header comes. Default: it reads the prompt. */
  waitingPhase?: Phase
  /** Sees what came together. */
  see?: (parts: readonly Part[]) => void
  /** Adds to `parts` what is given out for the finish. What it throws ends the answer, after what it added. */
  conclude?: (finish: Finish, parts: Part[]) => void
}

/** An engine that answers at once is not said to wait. */
const waitingAfterMs = 50

/**
 * Sends a chat and reads its answer: phases, then the parts, `finish` last. Leaving it, or `signal`, drops the
 * connection, and engines then stop.
 */
export function streamChat(options: StreamChatOptions): Batched<Part> {
  return fromBatches(sendAndRead(options))
}

async function* sendAndRead(options: StreamChatOptions): AsyncGenerator<readonly Part[], void, undefined> {
  const {
    connection,
    body,
    signal,
    path = '/chat/completions',
    waitingPhase: phase = 'prompt',
    see,
    conclude,
  } = options
  using whileHere = createStop(signal)
  let response: HttpResponse | undefined
  try {
    const sent = connection.request({ method: 'POST', path, body, model: body.model, signal: whileHere.signal })
    if (await isWaiting(sent)) yield [{ type: 'status', phase }]
    response = await sent
    for await (const parts of readChatAnswer(response, options)[batches]()) {
      see?.(parts)
      const finish = parts.at(-1)
      if (finish?.type === 'finish') {
        response.release()
        yield* partsBeforeFault((last) => {
          last.push(...parts.slice(0, -1))
          if (conclude) conclude(finish, last)
          else last.push(finish)
        })
      } else yield parts
    }
  } finally {
    if (response) response.close()
    else whileHere.stop()
  }
}

/** Follows `signal`, or stops by itself: less than `AbortSignal.any` costs, which every chat would pay. */
function createStop(signal: AbortSignal): { signal: AbortSignal; stop(): void } & Disposable {
  const controller = new AbortController()
  const follow = () => controller.abort(signal.reason)
  if (signal.aborted) follow()
  else signal.addEventListener('abort', follow, { once: true })
  return {
    signal: controller.signal,
    stop: () => controller.abort(),
    [Symbol.dispose]: () => signal.removeEventListener('abort', follow),
  }
}

/** Resolves with `true` where the answer does not begin soon. */
function isWaiting(sent: Promise<unknown>): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const timer = setTimeout(() => resolve(true), waitingAfterMs)
  const settled = () => {
    clearTimeout(timer)
    resolve(false)
  }
  sent.then(settled, settled)
  return promise
}
