import type { IncomingMessage, ServerResponse } from 'node:http'
import type { apiVersion as ApiVersion } from 'lmapp-client'
import { LmappError } from 'lmapp-kit'
import { allowOrigin, isPreflight } from './access/cors.ts'
import { assertLocalRequest } from './access/guard.ts'
import { identify } from './access/identify.ts'
import { authenticateOwner, type Principal } from './access/principal.ts'
import { assertAllowed } from './access/scopes.ts'
import type { ConversationKeeper } from './answer/conversation-keeper.ts'
import type { ServerApp } from './app.ts'
import { assertJsonType, discardBody, readJson } from './http/body.ts'
import type { BodyRooms } from './http/body-room.ts'
import { HttpError } from './http/http-error.ts'
import { sendNothing, sendRefusal, toLmappError } from './http/reply.ts'
import type { ResponseStore } from './openai/responses/response-store.ts'
import { parseEnvironment } from './parse/requests.ts'
import { dialectOf, dialects } from './routes/dialects.ts'
import { createRouter, type Found } from './routes/find-route.ts'
import type { Dialect, Route } from './routes/route.ts'

export interface Settings {
  heartbeatMs: number
  keeper: ConversationKeeper
  responses: ResponseStore
  rooms: BodyRooms
}

const apiVersion: typeof ApiVersion = 1

/** Where a request came in. */
export type Door = 'socket' | 'tcp'

const router = createRouter(dialects)

/** Answers one request, whatever it is. Never rejects. */
export async function handleRequest(
  app: ServerApp,
  door: Door,
  { rooms, ...settings }: Settings,
  { request, response }: { request: IncomingMessage; response: ServerResponse },
): Promise<void> {
  const left = new AbortController()
  response.setHeader('x-lmapp', app.version)
  response.setHeader('x-lmapp-api', apiVersion)
  response.setHeader('cache-control', 'no-store')
  response.setHeader('x-content-type-options', 'nosniff')
  const { path, search } = split(request.url ?? '')
  const dialect = dialectOf(path, request)
  let pattern = ''
  const room = rooms.open()
  response.once('close', () => {
    if (!response.writableFinished) left.abort()
    app.metrics?.request(dialect.name, pattern, statusOf(response))
    room.close()
  })
  try {
    const changed = app.refresh?.()
    if (changed) await changed
    if (door === 'tcp') assertLocalRequest(request, app.serve)
    allowOrigin(request, response, app.serve)
    if (isPreflight(request)) return sendNothing(response)
    const found = router.find(request.method ?? '', path)
    pattern = 'route' in found ? found.route.path : ''
    const principal = letIn(app, door, request, response)
    const { route, params } = assertFound(found, { method: request.method, path }, response)
    assertAllowed(route.access, principal, app.serve)
    assertJsonType(request)
    const environment = environmentOf(request, principal)
    const body = route.body?.(await readJson(request, room), '')
    const caller = { owner: principal.owner, environment, signal: left.signal }
    const query = new URLSearchParams(search)
    await route.handle({ app, request, response, principal, caller, params, query, ...settings }, body)
  } catch (error) {
    if (!request.socket.destroyed) await refuse(error, dialect, { app, request, response })
  }
}

function split(url: string): { path: string; search: string } {
  const mark = url.indexOf('?')
  return mark < 0 ? { path: url, search: '' } : { path: url.slice(0, mark), search: url.slice(mark + 1) }
}

/** 499 where the client left before anything was said, as proxies write it down. */
function statusOf({ headersSent, statusCode }: ServerResponse): number {
  return headersSent ? statusCode : 499
}

function letIn(app: ServerApp, door: Door, request: IncomingMessage, response: ServerResponse): Principal {
  if (door === 'tcp') return identify(request, app)
  const { principal, proof } = authenticateOwner(request, app.token)
  response.setHeader('x-lmapp-proof', proof)
  return principal
}

/** Nothing there, or not by this method. */
function noRoute(status: 404 | 405, message: string): HttpError {
  return new HttpError(status, 'method-not-found', message, {
    hint: `Check the ${status === 405 ? 'method' : 'path'}; this is lmapp, and what it has: GET /docs`,
  })
}

function assertFound(
  found: Found,
  { method = '', path }: { method: string | undefined; path: string },
  response: ServerResponse,
): Extract<Found, { route: Route }> {
  if ('route' in found) return found
  const shown = path.slice(0, 200)
  if (found.allowed.length === 0) {
    const meant = guess(method, path)
    throw noRoute(404, `There is nothing at ${shown}${meant === undefined ? '' : `, but at ${meant.slice(0, 200)}`}.`)
  }
  response.setHeader('allow', found.allowed.join(', '))
  throw noRoute(405, `${shown} is for ${found.allowed.join(', ')}.`)
}

/** What is there instead: base URLs are given with `/v1` where they should be without it, and the other way round. */
function guess(method: string, path: string): string | undefined {
  const bare = path.replace(/\/$/, '')
  const shorter = bare.replace(/^\/[^/]+(?=\/)/, '')
  return [bare, shorter, `/v1${bare}`, `/v1${shorter}`, `/api${bare}`].find(
    (each) => 'route' in router.find(method, each),
  )
}

function environmentOf(request: IncomingMessage, { kind }: Principal): Record<string, string> {
  const header = request.headers['x-lmapp-environment']
  if (kind !== 'owner' && header !== undefined) {
    throw new LmappError('forbidden', `A ${kind} may not bring an environment.`, { hint: 'Leave the header out' })
  }
  return parseEnvironment(header)
}

interface Exchange {
  app: ServerApp
  request: IncomingMessage
  response: ServerResponse
}

async function refuse(thrown: unknown, dialect: Dialect, { app, request, response }: Exchange): Promise<void> {
  const error = toLmappError(thrown, app.onBug)
  if (response.headersSent) {
    response.destroy()
    return
  }
  await discardBody(request)
  sendRefusal(response, dialect, error, error instanceof HttpError ? error.status : undefined)
}
