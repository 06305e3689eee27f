import type { apiPrefix } from 'lmapp-client'
import { LmappError } from 'lmapp-kit'
import { backendRoutes } from './backends.ts'
import { conversationRoutes } from './conversations.ts'
import { embedRoutes } from './embed.ts'
import { modelRoutes } from './models.ts'
import type { Route } from './route.ts'
import { runRoutes } from './runs.ts'
import { serviceRoutes } from './service.ts'

export const prefix: typeof apiPrefix = '/lmapp/v1'

export const routes: readonly Route[] = [
  ...serviceRoutes,
  ...runRoutes,
  ...conversationRoutes,
  ...modelRoutes,
  ...embedRoutes,
  ...backendRoutes,
]

const table = routes.map((route) => ({ route, segments: toSegments(prefix + route.path) }))

export type Found =
  | { route: Route; params: Record<string, string> }
  /** There is something at this path, but for these methods only; none: nothing is there. */
  | { allowed: string[] }

export function findRoute(method: string, path: string): Found {
  const given = toSegments(path)
  const allowed: string[] = []
  for (const { route, segments } of table) {
    const params = match(segments, given)
    if (!params) continue
    if (route.method === method) return { route, params }
    allowed.push(route.method)
  }
  return { allowed }
}

function match(segments: string[], given: string[]): Record<string, string> | undefined {
  if (segments.length !== given.length) return undefined
  const params: Record<string, string> = {}
  for (const [index, segment] of segments.entries()) {
    const value = given[index] ?? ''
    if (segment.startsWith(':') && value !== '') params[segment.slice(1)] = decode(value)
    else if (segment !== value) return undefined
  }
  return params
}

function toSegments(path: string): string[] {
  return path.split('/')
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch (cause) {
    throw new LmappError('bad-input', 'The path is not encoded properly.', { hint: 'Correct the request', cause })
  }
}
