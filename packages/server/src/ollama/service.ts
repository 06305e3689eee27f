import { sendJson } from '../http/reply.ts'
import type { Route } from '../routes/route.ts'

/**
 * Of Ollama, the one whose command line is tested against this dialect. Clients compare it with the oldest that they work
 * with (VS Code wants 0.6.4) and read three numbers out of it, so it cannot be the version of lmapp; that is in `x-lmapp`.
 */
const spokenVersion = '0.17.4'

const sign = 'lmapp is running'

export const serviceRoutes: Route[] = [
  {
    method: 'GET',
    path: '/',
    access: 'everyone',
    doc: {
      summary: 'That something is here.',
      answers: { 200: { description: 'It is.', stream: { type: 'text/plain', schema: { const: sign } } } },
    },
    handle({ response }) {
      response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8', 'content-length': sign.length }).end(sign)
    },
  },
  {
    method: 'GET',
    path: '/api/version',
    access: 'everyone',
    doc: {
      summary: 'The version of Ollama whose dialect this is.',
      answers: {
        200: {
          description: 'Three numbers.',
          schema: { type: 'object', required: ['version'], properties: { version: { const: spokenVersion } } },
        },
      },
    },
    handle({ response }) {
      sendJson(response, { version: spokenVersion })
    },
  },
]
