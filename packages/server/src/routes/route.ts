import type { IncomingMessage, ServerResponse } from 'node:http'
import type { LmappError } from 'lmapp-kit'
import type { Principal } from '../access/principal.ts'
import type { Access } from '../access/scopes.ts'
import type { ConversationKeeper } from '../answer/conversation-keeper.ts'
import type { Caller, ServerApp } from '../app.ts'
import type { ResponseStore } from '../openai/responses/response-store.ts'
import type { JsonSchema, Parser } from '../parse/fields.ts'

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
  keeper: ConversationKeeper
  responses: ResponseStore
}

export type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE'

export interface Route {
  method: Method
  /** A segment that begins with `:` stands for any; `:name+`, at the end, for all that are left. */
  path: string
  access: Access
  /** For the document at `/openapi.json`. */
  doc: RouteDoc
  /** Of the JSON body; absent: it has none. */
  body?: Parser<unknown>
  /** Answers, or throws what the dialect's `toError` then tells. `body`: what the parser made of it. */
  handle(context: Context, body: unknown): Promise<void> | void
}

export interface RouteDoc {
  /** One line. */
  summary: string
  /** More, where the summary is not all. */
  description?: string
  /** Each `:name` of the path, for people. */
  params?: Readonly<Record<string, string>>
  /** A body to begin with. */
  example?: unknown
  /** Names that the query may have. */
  query?: Readonly<Record<string, { schema: JsonSchema; description: string; required?: true }>>
  /** By status. */
  answers: Readonly<Record<number, Answer>>
}

export interface Answer {
  description: string
  /** Of a JSON body. */
  schema?: JsonSchema
  /** Where it is a stream as well or instead: its type, and the shape of one event's data or line. */
  stream?: {
    type: 'text/event-stream' | 'application/x-ndjson' | 'text/html' | 'text/plain'
    schema: JsonSchema
    /** The data of the last event, where that is no JSON. */
    lastData?: string
  }
}

/** Routes that speak alike, and how they say that something is wrong. */
export interface Dialect {
  name: 'native' | 'openai' | 'anthropic' | 'ollama'
  /** What its routes are called in the document. */
  title: string
  routes: readonly Route[]
  /** What its clients expect of an error. `status` is already chosen. */
  toError(error: LmappError, status: number): { body: unknown; headers?: Record<string, string> }
  /** The schema of that. */
  errorSchema: JsonSchema
}

/** A route whose handler gets what its parser reads. */
export function withBody<T>(
  route: Omit<Route, 'body' | 'handle'> & {
    body: Parser<T>
    handle(context: Context, body: T): Promise<void> | void
  },
): Route {
  return { ...route, handle: (context, body) => route.handle(context, body as T) }
}

/** The value of a `:name` in the path. */
export function param(context: Context, name: string): string {
  return context.params[name] ?? ''
}
