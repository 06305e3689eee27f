import type { IncomingMessage } from 'node:http'
import { LmappError } from 'lmapp-kit'
import { parseJson } from '../parse/requests.ts'
import { HttpError } from './http-error.ts'

const maxBodyBytes = 64 * 1024 * 1024

/** Reads a JSON body. Throws `bad-input`. */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request) {
    length += chunk.length
    if (length <= maxBodyBytes) chunks.push(chunk)
    else chunks.length = 0
  }
  if (length > maxBodyBytes) {
    throw new HttpError(413, 'bad-input', `The request is longer than ${maxBodyBytes / 1024 / 1024} MiB.`, {
      hint: 'Send less at once',
    })
  }
  return parseJson(Buffer.concat(chunks), 'body')
}

/** Refuses a write that does not say that it is JSON: pages can send others without being asked. Throws `bad-input`. */
export function assertJsonType(request: IncomingMessage): void {
  const { method, headers } = request
  if (method !== 'POST' && method !== 'PATCH') return
  const { 'content-length': length = '0', 'transfer-encoding': chunked, 'content-type': type } = headers
  // Some clients send nothing and call it nothing.
  if (length === '0' && chunked === undefined && type === undefined) return
  if (/^application\/json\s*(;|$)/i.test(headers['content-type'] ?? '')) return
  throw new LmappError('bad-input', 'The content type of a write must be application/json.', {
    hint: 'Send the header content-type: application/json',
  })
}

/**
 * Lets the rest of a request go by. A connection that is closed while something is unread is reset, and the client
 * loses the answer.
 */
export async function discardBody(request: IncomingMessage): Promise<void> {
  if (request.complete || request.destroyed) return
  const { promise, resolve } = Promise.withResolvers<void>()
  request.once('end', resolve).once('close', resolve).once('error', resolve).resume()
  await promise
}
