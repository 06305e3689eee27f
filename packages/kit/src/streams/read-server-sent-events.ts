import { LmappError } from '../errors/lmapp-error.ts'

export interface ServerSentEvent {
  /** Only when this event brought one. */
  id?: string
  event?: string
  data: string
}

/** What one event may hold; a sender that never ends an event must not fill the memory. In UTF-16 units. */
const maxEventLength = 16 * 1024 * 1024

/**
 * Events of a `text/event-stream` body, by the rules of the HTML standard: lines end with LF, CR or CRLF; comments and
 * events without data are left out; an event that the end of the stream cuts off is not given.
 * Unlike a browser it throws `stream-malformed` for bytes that are no UTF-8, after the events before them.
 */
export async function* readServerSentEvents(
  source: AsyncIterable<string | Uint8Array>,
): AsyncGenerator<ServerSentEvent, void, undefined> {
  const parser = createParser()
  for await (const text of decode(source)) {
    for (const event of parser.push(text)) yield event
  }
  for (const event of parser.end()) yield event
}

async function* decode(source: AsyncIterable<string | Uint8Array>): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  let first = true
  for await (const chunk of source) {
    const text = typeof chunk === 'string' ? chunk : decodeChunk(decoder, chunk)
    if (text === '') continue
    yield first && text.startsWith('\uFEFF') ? text.slice(1) : text
    first = false
  }
  decodeChunk(decoder)
}

function decodeChunk(decoder: InstanceType<typeof TextDecoder>, chunk?: Uint8Array): string {
  try {
    return decoder.decode(chunk, { stream: chunk !== undefined })
  } catch (cause) {
    throw new LmappError('stream-malformed', 'The event stream is not valid UTF-8.', { cause })
  }
}

function createParser() {
  let rest = ''
  let fields: Partial<ServerSentEvent> = {}
  let length = 0

  function take(line: string): ServerSentEvent | undefined {
    if (line !== '') {
      length += line.length
      addField(fields, line)
      return undefined
    }
    const { data, ...others } = fields
    fields = {}
    length = 0
    return data === undefined ? undefined : { ...others, data }
  }

  function* push(text: string): Iterable<ServerSentEvent> {
    const buffer = rest + text
    let from = 0
    for (let end = lineEnd(buffer, from); end; end = lineEnd(buffer, from)) {
      const event = take(buffer.slice(from, end.at))
      from = end.next
      if (event) yield event
    }
    rest = buffer.slice(from)
    if (rest.length + length > maxEventLength) {
      throw new LmappError('stream-malformed', 'An event of the stream has no end.', { details: { maxEventLength } })
    }
  }

  return { push, end: () => (rest.endsWith('\r') ? push('\n') : []) }
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
