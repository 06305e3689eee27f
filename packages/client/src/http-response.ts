import { StringDecoder } from 'node:string_decoder'
import type { TransportResponse } from './client.ts'
import { unavailable } from './unavailable.ts'

/** Far above what the service sends; whatever is longer is not the service. */
const maxHeadBytes = 64 * 1024

/**
 * Reads one HTTP response whose end is the end of the connection, as a server answers a request of HTTP/1.0:
 * the body is never chunked. Resolves when the head is there. Leaving the body closes `chunks`.
 */
export async function readHttpResponse(chunks: AsyncIterableIterator<Buffer>): Promise<TransportResponse> {
  let received: Buffer = Buffer.alloc(0)
  for (;;) {
    const step = await chunks.next()
    if (step.done) throw unavailable('answer')
    received = received.length === 0 ? step.value : Buffer.concat([received, step.value])
    const end = received.indexOf('\r\n\r\n')
    if (end >= 0) {
      const head = parseHead(received.toString('latin1', 0, end))
      return { ...head, body: readBody(received.subarray(end + 4), chunks, head.headers['content-length']) }
    }
    if (received.length > maxHeadBytes) throw unavailable('answer')
  }
}

function parseHead(head: string): { status: number; headers: Record<string, string | undefined> } {
  const [statusLine = '', ...lines] = head.split('\r\n')
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(statusLine)?.[1]
  if (!status) throw unavailable('answer')
  const headers: Record<string, string | undefined> = {}
  for (const line of lines) {
    const colon = line.indexOf(':')
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim()
  }
  return { status: Number(status), headers }
}

async function* readBody(
  first: Buffer,
  chunks: AsyncIterableIterator<Buffer>,
  contentLength: string | undefined,
): AsyncGenerator<string, void> {
  const decoder = new StringDecoder('utf8')
  let missing = contentLength === undefined ? Number.POSITIVE_INFINITY : Number(contentLength)
  try {
    for (let chunk = first; ; ) {
      missing -= chunk.length
      const text = decoder.write(chunk)
      if (text !== '') yield text
      if (missing <= 0) return
      const step = await chunks.next()
      if (step.done) break
      chunk = step.value
    }
  } finally {
    await chunks.return?.()
  }
  if (missing < Number.POSITIVE_INFINITY) throw unavailable('stream')
}
