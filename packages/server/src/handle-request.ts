import type { IncomingMessage, ServerResponse } from 'node:http'
import type { apiVersion as ApiVersion } from 'lmapp-client'
import { LmappError } from 'lmapp-kit'
import { assertLocalRequest } from './access/guard.ts'
import { authenticateOwner, identifyGuest, type Principal } from './access/principal.ts'
import type { ServerApp } from './app.ts'
import { assertJsonType, discardBody } from './http/body.ts'
import { sendError, toLmappError } from './http/reply.ts'
import { parseEnvironment } from './parse/requests.ts'
import { findRoute } from './routes/find-route.ts'
import type { Route } from './routes/route.ts'

export interface Settings {
  heartbeatMs: number
}

const apiVersion: typeof ApiVersion = 1

/** Where a request came in. */
export type Door = 'socket' | 'tcp'

/** Answers one request, whatever it is. Never rejects. */
export async function handleRequest(
  app: ServerApp,
  door: Door,
  settings: Settings,
  { request, response }: { request: IncomingMessage; response: ServerResponse },
): Promise<void> {
  const left = new AbortController()
  response.once('close', () => left.abort())
  response.setHeader('x-lmapp', app.version)
  response.setHeader('x-lmapp-api', apiVersion)
  response.setHeader('cache-control', 'no-store')
  response.setHeader('x-content-type-options', 'nosniff')
  try {
    const principal = letIn(app, door, request, response)
    const { route, params, query } = locate(request, response)
    assertAllowed(route, principal, app)
    assertJsonType(request)
    const environment = environmentOf(request, principal)
    const caller = { owner: principal.owner, environment, signal: left.signal }
    await route.handle({ app, request, response, principal, caller, params, query, ...settings })
  } catch (error) {
    if (!request.socket.destroyed) await refuse(error, app, request, response)
  }
}

function letIn(app: ServerApp, door: Door, request: IncomingMessage, response: ServerResponse): Principal {
  if (door === 'tcp') {
    assertLocalRequest(request)
    return identifyGuest(request)
  }
  const { principal, proof } = authenticateOwner(request, app.token)
  response.setHeader('x-lmapp-proof', proof)
  return principal
}

/** Nothing there, or not by this method. */
class NoRoute extends LmappError {
  readonly status: number
  constructor(status: number, message: string) {
    super('method-not-found', message, {
      hint: `Check the ${status === 405 ? 'method' : 'path'}; this is lmapp: GET /lmapp/v1/health`,
    })
    this.status = status
  }
}

function locate({ method = '', url = '' }: IncomingMessage, response: ServerResponse) {
  const mark = url.indexOf('?')
  const path = mark < 0 ? url : url.slice(0, mark)
  const found = findRoute(method, path)
  if ('route' in found) return { ...found, query: new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1)) }
  if (found.allowed.length === 0) throw new NoRoute(404, `There is nothing at ${path}.`)
  response.setHeader('allow', found.allowed.join(', '))
  throw new NoRoute(405, `${path} is for ${found.allowed.join(', ')}.`)
}

function assertAllowed({ guest }: Route, principal: Principal, app: ServerApp): void {
  if (principal.kind === 'owner' || guest === 'always' || (guest === 'pull' && app.allowPull)) return
  throw new LmappError('forbidden', 'A guest may not do this.', {
    hint: guest === 'pull' ? 'Allow it: lmapp config set serve.allowPull true' : 'Use the lmapp command',
  })
}

function environmentOf(request: IncomingMessage, { kind }: Principal): Record<string, string> {
  const header = request.headers['x-lmapp-environment']
  if (kind === 'guest' && header !== undefined) {
    throw new LmappError('forbidden', 'A guest may not bring an environment.', { hint: 'Leave the header out' })
  }
  return parseEnvironment(header)
}

async function refuse(
  thrown: unknown,
  app: ServerApp,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const error = toLmappError(thrown, app.onBug)
  if (response.headersSent) {
    response.destroy()
    return
  }
  await discardBody(request)
  sendError(response, error, error instanceof NoRoute ? error.status : undefined)
}
