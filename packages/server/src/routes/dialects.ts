import type { IncomingMessage } from 'node:http'
import { anthropic } from '../anthropic/index.ts'
import { ollama } from '../ollama/index.ts'
import { openai } from '../openai/index.ts'
import { createDocumentRoutes } from '../openapi/routes.ts'
import { native } from './native.ts'
import type { Dialect } from './route.ts'

const withDocument: Dialect = {
  ...native,
  routes: [...native.routes, ...createDocumentRoutes(() => dialects)],
}

export const dialects: readonly Dialect[] = [withDocument, openai, anthropic, ollama]

/** Who is meant, before it is known what: errors too are told in the words of the client's dialect. */
export function dialectOf(path: string, { headers }: IncomingMessage): Dialect {
  if (path.startsWith('/v1/')) {
    const speaksAnthropic = path.startsWith('/v1/messages') || headers['anthropic-version'] !== undefined
    return speaksAnthropic ? anthropic : openai
  }
  return path.startsWith('/api/') ? ollama : native
}
