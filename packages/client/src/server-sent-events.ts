/** One event of a stream of server-sent events. */
export interface ServerSentEvent {
  /** The latest `id:`, empty before the first. */
  id: string
  data: string
}

/**
 * Reads server-sent events incrementally. An event comes out with the chunk that completes it; one that is cut
 * short never does. Lines end with LF or CRLF, which is what HTTP servers send.
 */
export interface EventParser {
  push(chunk: string): ServerSentEvent[]
}

export function createEventParser(): EventParser {
  let line = ''
  let id = ''
  let data: string | undefined

  function takeField(name: string, value: string): void {
    if (name === 'data') data = data === undefined ? value : `${data}\n${value}`
    else if (name === 'id') id = value
  }

  return {
    push(chunk) {
      const events: ServerSentEvent[] = []
      let start = 0
      for (let end = chunk.indexOf('\n'); end >= 0; end = chunk.indexOf('\n', start)) {
        line += chunk.slice(start, end)
        start = end + 1
        if (line.endsWith('\r')) line = line.slice(0, -1)
        if (line !== '') takeField(...splitField(line))
        else if (data !== undefined) {
          events.push({ id, data })
          data = undefined
        }
        line = ''
      }
      line += chunk.slice(start)
      return events
    },
  }
}

function splitField(line: string): [name: string, value: string] {
  const colon = line.indexOf(':')
  if (colon < 0) return [line, '']
  return [line.slice(0, colon), line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1)]
}
