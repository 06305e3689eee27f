import { createServerSentEventParser, isLmappError, LmappError, type Part, type ServerSentEvent } from 'lmapp-kit'

/** Reads the events of one answer. */
export interface EventReader {
  /**
   * Adds what the event brings to `parts`. A promise: something has to be found out before; what it resolves with is given
   * first, and the event is then taken once more.
   */
  take(event: ServerSentEvent, parts: Part[]): Promise<readonly Part[]> | undefined
  /** The answer is whole: what comes after it is not read. */
  readonly over: boolean
  /** Whether anything of the answer came. */
  readonly started: boolean
  /** What is wrong where the stream ends before the answer. */
  incomplete(): LmappError
}

/**
 * The parts of an event stream of `engine`, those of one network read together. What came before a fault is given before it
 * is thrown.
 */
export async function* readEventParts(
  bytes: AsyncIterable<Uint8Array>,
  reader: EventReader,
  engine: string,
): AsyncGenerator<readonly Part[], void, undefined> {
  const intake = createIntake(reader)
  const chunks = bytes[Symbol.asyncIterator]()
  let ended = false
  try {
    while (!ended) {
      const { value, done } = await chunks.next()
      ended = done === true
      intake.push(ended ? undefined : value)
      for (let isWaiting = true; isWaiting; ) {
        const parts: Part[] = []
        const doubt = intake.take(parts)
        if (parts.length > 0) yield parts
        const first = (await doubt) ?? []
        if (first.length > 0) yield first
        isWaiting = doubt !== undefined
      }
      intake.throwFault()
      if (reader.over) return
    }
    throw reader.incomplete()
  } catch (error) {
    throw reader.started ? error : withoutToken(error, engine)
  } finally {
    if (!ended) await chunks.return?.()
  }
}

/** Before the first token a broken connection is a failed request; what came until then cannot be lost. */
function withoutToken(error: unknown, engine: string): unknown {
  if (!isLmappError(error, 'engine-died')) return error
  return new LmappError('engine-failed', `${engine} closed the connection before its first token.`, { cause: error })
}

function createIntake(reader: EventReader) {
  const parser = createServerSentEventParser()
  let events: ServerSentEvent[] = []
  let fault: { error: unknown } | undefined

  return {
    /** Undefined at the end of the stream. */
    push(chunk: Uint8Array | undefined): void {
      events = []
      try {
        if (chunk === undefined) parser.end(events)
        else parser.push(chunk, events)
      } catch (error) {
        fault = { error }
      }
    },
    /** Takes all that came, or what comes before a doubt. */
    take(parts: Part[]): Promise<readonly Part[]> | undefined {
      try {
        for (const [index, event] of events.entries()) {
          if (reader.over) break
          const doubt = reader.take(event, parts)
          if (!doubt) continue
          events = events.slice(index)
          // Awaited only when what came before it was given.
          doubt.catch(() => {})
          return doubt
        }
      } catch (error) {
        fault = { error }
      }
      return undefined
    },
    throwFault(): void {
      if (fault) throw fault.error
    },
  }
}
