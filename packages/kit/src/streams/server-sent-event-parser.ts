import { LmappError } from '../errors/lmapp-error.ts'

export interface ServerSentEvent {
  /** Only when this event brought one. */
  id?: string
  event?: string
  data: string
}

/** Cuts a `text/event-stream` into its events as it comes; see `readServerSentEvents` for its rules. */
export interface ServerSentEventParser {
  /**
   * Adds the events that this chunk completes to `events`. Throws `stream-malformed`, after adding those before the fault; it
   * is then of no more use.
   */
  push(chunk: string | Uint8Array, events: ServerSentEvent[]): void
  /** The same for what only the end completes. */
  end(events: ServerSentEvent[]): void
}

/** What one event may hold; a sender that never ends an event must not fill the memory. In UTF-16 units. */
const maxEventLength = 16 * 1024 * 1024

export function createServerSentEventParser(): ServerSentEventParser {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  let rest = ''
  let fields: Partial<ServerSentEvent> = {}
  let length = 0
  let first = true

  function pushText(text: string, events: ServerSentEvent[]): void {
    const buffer = rest === '' ? text : rest + text
    const from = buffer.includes('\r') ? takeAnyLines(buffer, events) : takeLines(buffer, events)
    rest = from === buffer.length ? '' : buffer.slice(from)
    if (rest.length + length > maxEventLength) {
      throw new LmappError('stream-malformed', 'An event of the stream has no end.', { details: { maxEventLength } })
    }
  }

  /** Where each ends with LF. Returns where the first one begins that has no end. */
  function takeLines(buffer: string, events: ServerSentEvent[]): number {
    let from = 0
    for (let end = buffer.indexOf('\n'); end !== -1; end = buffer.indexOf('\n', from)) {
      takeLine(buffer, from, end, events)
      from = end + 1
    }
    return from
  }

  function takeAnyLines(buffer: string, events: ServerSentEvent[]): number {
    let from = 0
    for (let end = lineEnd(buffer, from); end; end = lineEnd(buffer, from)) {
      takeLine(buffer, from, end.at, events)
      from = end.next
    }
    return from
  }

  function takeLine(buffer: string, from: number, end: number, events: ServerSentEvent[]): void {
    if (from === end) {
      const { data } = fields
      if (data !== undefined) events.push({ ...fields, data })
      fields = {}
      length = 0
      return
    }
    length += end - from
    addField(fields, buffer.slice(from, end))
  }

  return {
    push(chunk, events) {
      const text = typeof chunk === 'string' ? chunk : decodeChunk(decoder, chunk)
      if (text === '') return
      pushText(first && text.startsWith('\uFEFF') ? text.slice(1) : text, events)
      first = false
    },
    end(events) {
      decodeChunk(decoder)
      if (rest.endsWith('\r')) pushText('\n', events)
    },
  }
}

function decodeChunk(decoder: InstanceType<typeof TextDecoder>, chunk?: Uint8Array): string {
  try {
    return decoder.decode(chunk, { stream: chunk !== undefined })
  } catch (cause) {
    throw new LmappError('stream-malformed', 'The event stream is not valid UTF-8.', { cause })
  }
}

/** A CR that is the last character may be half of a CRLF: the line ends when the next character is known. */
function lineEnd(text: string, from: number): { at: number; next: number } | undefined {
  const lineFeed = text.indexOf('\n', from)
  const limit = lineFeed === -1 ? text.length : lineFeed
  const carriage = text.slice(from, limit).indexOf('\r')
  if (carriage === -1) return lineFeed === -1 ? undefined : { at: lineFeed, next: lineFeed + 1 }
  const at = from + carriage
  if (at + 1 === text.length) return undefined
  return { at, next: text[at + 1] === '\n' ? at + 2 : at + 1 }
}

function addField(fields: Partial<ServerSentEvent>, line: string): void {
  const colon = line.indexOf(':')
  const name = colon === -1 ? line : line.slice(0, colon)
  const raw = colon === -1 ? '' : line.slice(colon + 1)
  const value = raw.startsWith(' ') ? raw.slice(1) : raw
  if (name === 'data') fields.data = fields.data === undefined ? value : `${fields.data}\n${value}`
  else if (name === 'event') fields.event = value
  else if (name === 'id' && !value.includes('\0')) fields.id = value
}
