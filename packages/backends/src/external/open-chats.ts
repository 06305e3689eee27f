import { type Batched, batches, LmappError, type Part, toBatches } from 'lmapp-kit'

/** A chat that is under way here. */
export interface OpenChat {
  model: string
  /** Whether its first token came. */
  answering: boolean
}

/** The chats of one backend, so that it can count them and end them. */
export interface OpenChats {
  readonly list: readonly OpenChat[]
  /**
   * Ends `cancelled` when the caller aborts, and throws `backend-stopped` when `stop` is called; who reads in batches sees that
   * between two of them. `start` is told at once.
   */
  run(model: string, signal: AbortSignal | undefined, start: StartChat): Batched<Part>
  stop(engine: string, message?: string): void
}

/** `ended` is aborted when nobody wants the chat any more. */
type StartChat = (ended: AbortSignal) => AsyncIterable<Part>

export function createOpenChats(): OpenChats {
  const chats = new Map<OpenChat, (reason: LmappError) => void>()

  async function* runBatches(
    model: string,
    signal: AbortSignal | undefined,
    start: StartChat,
  ): AsyncGenerator<readonly Part[], void, undefined> {
    const ended = new AbortController()
    let stopped: LmappError | undefined
    const chat: OpenChat = { model, answering: false }
    chats.set(chat, (reason) => {
      stopped = reason
      ended.abort(reason)
    })
    const follow = () => ended.abort(signal?.reason)
    signal?.addEventListener('abort', follow)
    try {
      if (signal?.aborted) throw new LmappError('cancelled', 'The chat was cancelled.')
      for await (const batch of toBatches(start(ended.signal))) {
        if (signal?.aborted) break
        if (stopped) throw stopped
        chat.answering ||= batch.some(isDelta)
        yield batch
        if (batch.at(-1)?.type === 'finish') return
      }
    } catch (error) {
      if (!signal?.aborted) throw stopped ?? error
    } finally {
      signal?.removeEventListener('abort', follow)
      chats.delete(chat)
    }
    yield [{ type: 'finish', reason: 'cancelled', usage: {} }]
  }

  return {
    get list() {
      return [...chats.keys()]
    },
    run(model, signal, start) {
      const source = runBatches(model, signal, start)
      const parts = eachPart(source, signal)
      return { [Symbol.asyncIterator]: () => parts, [batches]: () => source }
    },
    stop(engine, message = `The connection to ${engine} was ended.`) {
      const reason = new LmappError('backend-stopped', message)
      for (const end of chats.values()) end(reason)
      chats.clear()
    },
  }
}

/** One by one: what is left of a batch when the caller aborts is not given. */
async function* eachPart(
  source: AsyncIterable<readonly Part[]>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Part, void, undefined> {
  for await (const batch of source) {
    for (const part of batch) {
      if (signal?.aborted && part.type !== 'finish') break
      yield part
    }
  }
}

function isDelta({ type }: Part): boolean {
  return type.endsWith('-delta')
}
