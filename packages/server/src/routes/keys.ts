import { keyNamePattern, keyScopes } from '@lmapp/core/keys'
import { sendJson } from '../http/reply.ts'
import { listOf, oneOf, parser, record, string } from '../parse/fields.ts'
import { param, type Route, withBody } from './route.ts'
import { createdKeySchema, keySchema } from './schemas/keys.ts'

const scope = oneOf(...keyScopes)
/** Whether it is one of a key is for `create` to say, in words for people. */
const name = parser({ type: 'string', pattern: keyNamePattern }, string)

const createKey = record({ name }, { scopes: listOf(scope, { least: 1 }) })

export const keyRoutes: Route[] = [
  {
    method: 'GET',
    path: '/keys',
    access: 'admin',
    doc: {
      summary: 'Lists the keys, revoked ones too.',
      answers: { 200: { description: 'In the order of their creation.', schema: { type: 'array', items: keySchema } } },
    },
    async handle({ app, response }) {
      sendJson(response, await app.keys.list())
    },
  },
  withBody({
    method: 'POST',
    path: '/keys',
    access: 'admin',
    doc: {
      summary: 'Creates a key.',
      description: 'Without scopes it is for `chat`. Its secret is in this answer and nowhere else.',
      answers: { 201: { description: 'The key with its secret.', schema: createdKeySchema } },
    },
    body: createKey,
    async handle({ app, response }, request) {
      sendJson(response, await app.keys.create(request), 201)
    },
  }),
  {
    method: 'DELETE',
    path: '/keys/:name',
    access: 'admin',
    doc: {
      summary: 'Revokes a key.',
      params: { name: 'The name of a key.' },
      description: 'The next request with it is refused. It stays in the list; its name is free again.',
      answers: { 200: { description: 'The key as it is now.', schema: keySchema } },
    },
    async handle(context) {
      sendJson(context.response, await context.app.keys.revoke(param(context, 'name')))
    },
  },
]
