import { type ChatRequest, defaultCredit, type Part, untilAborted } from 'lmapp-kit'
import { cancelledFinish, openInbox } from './inbox.ts'
import { toLarge } from './large.ts'
import type { Session } from './session.ts'

export interface ChatCall {
  acquire(): Promise<Session>
  request: ChatRequest
  exchangeDir: string
  signal: AbortSignal | undefined
  /** Called when the answer ended with a finish of the plugin's. */
  onFinish(): void
}

/** One chat. Leaving it waits until the plugin has stopped, or was killed because it did not. */
export async function* streamChat(call: ChatCall): AsyncGenerator<Part, void, undefined> {
  const { signal } = call
  const session = await acquireUnlessAborted(call)
  if (!session) {
    yield cancelledFinish
    return
  }
  await using request = await toLarge(call.request, call.exchangeDir)
  await using inbox = openInbox(session, { request: request.value, credit: defaultCredit })
  signal?.addEventListener('abort', inbox.cancel, { once: true })
  if (signal?.aborted) inbox.cancel()
  try {
    for (let parts = inbox.take(); parts; parts = inbox.take()) {
      if (parts.length === 0) await inbox.changed()
      for (const part of parts) {
        yield part
        inbox.consumed()
      }
    }
    const finish = await inbox.finish()
    call.onFinish()
    yield finish
  } finally {
    signal?.removeEventListener('abort', inbox.cancel)
  }
}

async function acquireUnlessAborted({ acquire, signal }: ChatCall): Promise<Session | undefined> {
  try {
    const session = await acquire()
    await untilAborted(session.drained(), signal)
    return session
  } catch (error) {
    if (signal?.aborted) return undefined
    throw error
  }
}
