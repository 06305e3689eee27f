import { LmappError, type Part } from 'lmapp-kit'

/** A chat that is under way here. */
export interface OpenChat {
  model: string
  /** Whether its first token came. */
  answering: boolean
}

/** The chats of one backend, so that it can count them and end them. */
export interface OpenChats {
  readonly list: readonly OpenChat[]
  /** Ends `cancelled` when the caller aborts, and throws `backend-stopped` when `stop` is called. */
  run(
    model: string,
    signal: AbortSignal | undefined,
    chat: (signal: AbortSignal) => AsyncIterable<Part>,
  ): AsyncGenerator<Part, void, undefined>
  stop(engine: string, message?: string): void
}

export function createOpenChats(): OpenChats {
  const chats = new Map<AbortController, OpenChat>()
  return {
    get list() {
      return [...chats.values()]
    },
    async *run(model, signal, start) {
      const stopping = new AbortController()
      const chat: OpenChat = { model, answering: false }
      chats.set(stopping, chat)
      try {
        const ended = signal ? AbortSignal.any([signal, stopping.signal]) : stopping.signal
        if (signal?.aborted) throw new LmappError('cancelled', 'The chat was cancelled.')
        for await (const part of start(ended)) {
          if (signal?.aborted) break
          stopping.signal.throwIfAborted()
          chat.answering ||= part.type.endsWith('-delta')
          yield part
          if (part.type === 'finish') return
        }
      } catch (error) {
        if (!signal?.aborted) throw stopping.signal.aborted ? stopping.signal.reason : error
      } finally {
        chats.delete(stopping)
      }
      yield { type: 'finish', reason: 'cancelled', usage: {} }
    },
    stop(engine, message = `The connection to ${engine} was ended.`) {
      const reason = new LmappError('backend-stopped', message)
      for (const chat of chats.keys()) chat.abort(reason)
      chats.clear()
    },
  }
}
