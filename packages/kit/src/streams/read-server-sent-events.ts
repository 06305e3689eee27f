import { createServerSentEventParser, type ServerSentEvent } from './server-sent-event-parser.ts'

/**
 * Events of a `text/event-stream` body, by the rules of the HTML standard: lines end with LF, CR or CRLF; comments and
 * events without data are left out; an event that the end of the stream cuts off is not given.
 * Unlike a browser it throws `stream-malformed` for bytes that are no UTF-8, after the events before them.
 */
export async function* readServerSentEvents(
  source: AsyncIterable<string | Uint8Array>,
): AsyncGenerator<ServerSentEvent, void, undefined> {
  const parser = createServerSentEventParser()
  for await (const chunk of source) yield* eventsOf((events) => parser.push(chunk, events))
  yield* eventsOf((events) => parser.end(events))
}

function* eventsOf(parse: (events: ServerSentEvent[]) => void): Iterable<ServerSentEvent> {
  const events: ServerSentEvent[] = []
  let fault: { error: unknown } | undefined
  try {
    parse(events)
  } catch (error) {
    fault = { error }
  }
  yield* events
  if (fault) throw fault.error
}
