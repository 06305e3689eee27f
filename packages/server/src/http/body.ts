import type { IncomingMessage } from 'node:http'
import { LmappError } from 'lmapp-kit'
import { parseJson } from '../parse/requests.ts'
import type { BodyRoom } from './body-room.ts'
import { HttpError } from './http-error.ts'

const maxBodyBytes = 64 * 1024 * 1024

/** Reads a JSON body; a long one takes room for as long as its request lasts. Throws `bad-input` and `busy`. */
export async function readJson(request: IncomingMessage, room: BodyRoom): Promise<unknown> {
  const { chunks, length, isRefused } = await readChunks(request, room)
  if (length > maxBodyBytes) {
    throw new HttpError(413, 'bad-input', `The request is longer than ${maxBodyBytes / 1024 / 1024} MiB.`, {
      hint: 'Send less at once',
    })
  }
  if (isRefused) {
    throw new LmappError('busy', 'Too many long requests are being answered.', { details: { retryAfterMs: 1000 } })
  }
  const [first] = chunks
  return parseJson(first && chunks.length === 1 ? first : Buffer.concat(chunks), 'body')
}

interface Chunks {
  chunks: Buffer[]
  length: number
  isRefused: boolean
}

/** By listeners: an iterator of the request costs several times as much, and leaves it destroyed. */
function readChunks(request: IncomingMessage, room: BodyRoom): Promise<Chunks> {
  const { promise, resolve, reject } = Promise.withResolvers<Chunks>()
  const chunks: Buffer[] = []
  let length = 0
  let isRefused = false
  request.on('data', (chunk: Buffer) => {
    length += chunk.length
    isRefused ||= length > maxBodyBytes || !room.holds(length)
    if (isRefused) {
      chunks.length = 0
      room.close()
    } else chunks.push(chunk)
  })
  let isWhole = false
  request.once('end', () => {
    isWhole = true
    resolve({ chunks, length, isRefused })
  })
  request.once('error', reject)
  request.once('close', () => {
    if (!isWhole) reject(new Error('The client left before its request was whole.'))
  })
  return promise
}

/** Refuses a write that does not say that it is JSON: pages can send others without being asked. Throws `bad-input`. */
export function assertJsonType(request: IncomingMessage): void {
  const { method, headers } = request
  if (method !== 'POST' && method !== 'PATCH') return
  const { 'content-length': length = '0', 'transfer-encoding': chunked, 'content-type': type } = headers
  // Some clients send nothing and call it nothing.
  if (length === '0' && chunked === undefined && type === undefined) return
  if (!isJsonType(type, request)) {
    throw new LmappError('bad-input', 'The content type of a write must be application/json.', {
      hint: 'Send the header content-type: application/json',
    })
  }
  const { 'content-encoding': encoding = 'identity' } = headers
  if (encoding.toLowerCase() === 'identity') return
  throw new HttpError(415, 'bad-input', `A body in "${encoding.slice(0, 40)}" is not read.`, {
    hint: 'Send it as it is, without content-encoding',
  })
}

/**
 * Pages can send texts, forms and bodies without a type to others without being asked. Some programs name no type, or call
 * their JSON bytes; a page shows itself by its headers.
 */
function isJsonType(type: string | undefined, { headers }: IncomingMessage): boolean {
  if (type === undefined) return headers.origin === undefined && headers['sec-fetch-site'] === undefined
  return /^application\/(json|octet-stream)\s*(;|$)/i.test(type)
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
