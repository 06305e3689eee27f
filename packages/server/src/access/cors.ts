import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Guests, isListed } from './guard.ts'

/** Tells a browser what a page of a listed origin may do. For all others no such header is sent. */
export function allowOrigin(request: IncomingMessage, response: ServerResponse, { origins }: Guests): void {
  const { origin } = request.headers
  if (origin === undefined || !isListed(origin, origins)) return
  response.setHeader('access-control-allow-origin', origin)
  response.setHeader('vary', 'origin')
  response.setHeader('access-control-expose-headers', '*')
  if (!isPreflight(request)) return
  response.setHeader('access-control-allow-methods', 'GET, POST, PATCH, DELETE')
  response.setHeader('access-control-allow-headers', request.headers['access-control-request-headers'] ?? '')
  response.setHeader('access-control-max-age', '600')
}

/** Asked by a browser before a page's request; `assertLocalRequest` has refused those of other origins. */
export function isPreflight({ method, headers }: IncomingMessage): boolean {
  return method === 'OPTIONS' && headers.origin !== undefined && headers['access-control-request-method'] !== undefined
}
