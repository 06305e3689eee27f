import type { Conversation } from '@lmapp/core/store'
import { LmappError } from 'lmapp-kit'
import { readJson } from '../http/body.ts'
import { sendJson, sendNothing } from '../http/reply.ts'
import { parsePatchConversation, queryInteger, queryText } from '../parse/requests.ts'
import { type Context, param, type Route } from './route.ts'

export const conversationRoutes: Route[] = [
  {
    method: 'GET',
    path: '/conversations',
    async handle({ app, response, principal, query }) {
      const before = query.get('before')
      const found = await app.store.listConversations({
        owner: principal.owner,
        ...limitOf(query),
        ...(before !== null && { before }),
      })
      sendJson(response, found)
    },
  },
  {
    method: 'GET',
    path: '/conversations/:id',
    async handle(context) {
      const { app, response, principal } = context
      sendJson(response, await app.store.getConversation(param(context, 'id'), principal.owner))
    },
  },
  { method: 'PATCH', path: '/conversations/:id', handle: patchConversation },
  {
    method: 'DELETE',
    path: '/conversations/:id',
    async handle(context) {
      const { id } = await findConversation(context)
      await context.app.store.deleteConversation(id, context.principal.owner)
      sendNothing(context.response)
    },
  },
  {
    method: 'GET',
    path: '/terminals/:terminal/conversation',
    async handle(context) {
      const { app, response, principal } = context
      const id = await app.store.lastConversation(param(context, 'terminal'), principal.owner)
      if (id === null) throw new LmappError('not-found', 'No conversation was held in this terminal.')
      sendJson(response, await app.store.getConversation(id, principal.owner))
    },
  },
  {
    method: 'GET',
    path: '/search',
    async handle({ app, response, principal, query }) {
      sendJson(response, await app.store.search(queryText(query, 'q'), { owner: principal.owner, ...limitOf(query) }))
    },
  },
]

async function patchConversation(context: Context): Promise<void> {
  const { store } = context.app
  const { owner } = context.principal
  const { title, head, system } = parsePatchConversation(await readJson(context.request))
  const { id } = await findConversation(context)
  if (head !== undefined) await store.setHead(id, head, owner)
  if (system !== undefined) await store.setSystem(id, system, owner)
  if (title !== undefined) await store.renameConversation(id, title, owner)
  sendJson(context.response, await store.getConversation(id, owner))
}

/** By its own id or a prefix of it. The id of a message is for reading only: whoever gives it may not mean the whole. */
async function findConversation(context: Context): Promise<Conversation> {
  const id = param(context, 'id')
  const found = await context.app.store.getConversation(id, context.principal.owner)
  if (found.id.startsWith(id.toLowerCase())) return found
  throw new LmappError('not-found', `"${id}" is a message, not a conversation.`, {
    hint: `Its conversation is ${found.id}`,
    details: { conversation: found.id },
  })
}

function limitOf(query: URLSearchParams): { limit?: number } {
  const limit = queryInteger(query, 'limit', 1)
  return limit === undefined ? {} : { limit }
}
