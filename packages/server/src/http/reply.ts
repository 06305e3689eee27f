import type { ServerResponse } from 'node:http'
import type { ApiError } from 'lmapp-client'
import { isLmappError, LmappError } from 'lmapp-kit'

export function sendJson(response: ServerResponse, value: unknown, status = 200): void {
  const body = Buffer.from(JSON.stringify(value))
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', 'content-length': body.length })
  response.end(body)
}

export function sendNothing(response: ServerResponse): void {
  response.writeHead(204).end()
}

/** Sends an error as the table says; `status` where HTTP knows it better. */
export function sendError(response: ServerResponse, error: LmappError, status: number = error.entry.http): void {
  sendJson(response, toBody(error), status)
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
