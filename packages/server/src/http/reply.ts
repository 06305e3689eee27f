import type { ServerResponse } from 'node:http'
import type { ApiError } from 'lmapp-client'
import { isLmappError, LmappError } from 'lmapp-kit'
import type { Dialect } from '../routes/route.ts'

export function sendJson(
  response: ServerResponse,
  value: unknown,
  status = 200,
  headers: Readonly<Record<string, string>> = {},
): void {
  const body = Buffer.from(JSON.stringify(value))
  response.writeHead(status, {
    ...headers,
    'content-type': 'application/json; charset=utf-8',
    'content-length': body.length,
  })
  response.end(body)
}

export function sendNothing(response: ServerResponse): void {
  response.writeHead(204).end()
}

/** Sends an error as the table says, in the words of a dialect; `status` where HTTP knows it better. */
export function sendRefusal(
  response: ServerResponse,
  dialect: Dialect,
  error: LmappError,
  status: number = statusOf(error),
): void {
  const { body, headers = {} } = dialect.toError(error, status)
  const waitMs = error.details?.retryAfterMs
  const wait = typeof waitMs === 'number' && { 'retry-after': String(Math.max(1, Math.ceil(waitMs / 1000))) }
  sendJson(response, body, status, { ...headers, ...wait, ...(status === 401 && { 'www-authenticate': 'Bearer' }) })
}

/** One that says when to come again is a question of too many, not of a service that is down. */
export function statusOf(error: LmappError): number {
  return error.code === 'busy' && error.details?.retryAfterMs !== undefined ? 429 : error.entry.http
}

export function toBody(error: LmappError): ApiError {
  return { error: error.toData() }
}

/** Bugs go to the log, not to clients. */
export function toLmappError(error: unknown, onBug: (error: unknown) => void): LmappError {
  if (isLmappError(error)) return error
  onBug(error)
  return new LmappError('internal', 'The service failed in a way that nobody foresaw.')
}
