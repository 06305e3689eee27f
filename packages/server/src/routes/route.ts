import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Principal } from '../access/principal.ts'
import type { Caller, ServerApp } from '../app.ts'

/** One request, after it was let in. */
export interface Context {
  app: ServerApp
  request: IncomingMessage
  response: ServerResponse
  principal: Principal
  caller: Caller
  /** What stands for the `:names` of the path. */
  params: Record<string, string>
  query: URLSearchParams
  heartbeatMs: number
}

export interface Route {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** Below `/lmapp/v1`; a segment that begins with `:` stands for any. */
  path: string
  /** Whether a guest may use it: never, always, or where configuration lets guests pull. */
  guest?: 'always' | 'pull'
  /** Answers, or throws what `sendError` then tells. */
  handle(context: Context): Promise<void> | void
}

/** The value of a `:name` in the path. */
export function param(context: Context, name: string): string {
  return context.params[name] ?? ''
}
