import { LmappError } from 'lmapp-kit'
import type { Dialect, Route } from './route.ts'

export type Found =
  | { route: Route; dialect: Dialect; params: Record<string, string> }
  /** There is something at this path, but for these methods only; none: nothing is there. */
  | { allowed: string[] }

/**
 * Finds what answers at a path. Ready-made for paths without names, one after the other for the rest. What stands at a
 * path without names is all that is there.
 */
export interface Router {
  find(method: string, path: string): Found
}

interface Place {
  route: Route
  dialect: Dialect
  segments: string[]
}

export function createRouter(dialects: readonly Dialect[]): Router {
  const plain = new Map<string, Place[]>()
  const named: Place[] = []
  for (const dialect of dialects) {
    for (const route of dialect.routes) {
      const place = { route, dialect, segments: route.path.split('/') }
      if (route.path.includes(':')) named.push(place)
      else plain.set(route.path, [...(plain.get(route.path) ?? []), place])
    }
  }
  return {
    find(method, path) {
      const allowed: string[] = []
      for (const place of plain.get(path) ?? []) {
        if (answers(place.route, method)) return { ...place, params: {} }
        allowed.push(place.route.method)
      }
      if (allowed.length > 0) return { allowed }
      const given = path.split('/')
      for (const place of named) {
        const params = match(place.segments, given)
        if (!params) continue
        if (answers(place.route, method)) return { ...place, params }
        allowed.push(place.route.method)
      }
      return { allowed }
    },
  }
}

/** To be asked for the head alone is to be asked. */
function answers(route: Route, method: string): boolean {
  return route.method === method || (method === 'HEAD' && route.method === 'GET')
}

function match(segments: string[], given: string[]): Record<string, string> | undefined {
  const takesRest = segments.at(-1)?.endsWith('+') ?? false
  if (takesRest ? given.length < segments.length : given.length !== segments.length) return undefined
  const params: Record<string, string> = {}
  for (const [index, segment] of segments.entries()) {
    const rest = takesRest && index === segments.length - 1
    const value = rest ? given.slice(index).join('/') : (given[index] ?? '')
    if (segment.startsWith(':') && value !== '') params[segment.slice(1).replace('+', '')] = decode(value)
    else if (segment !== value) return undefined
  }
  return params
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch (cause) {
    throw new LmappError('bad-input', 'The path is not encoded properly.', { hint: 'Correct the request', cause })
  }
}
