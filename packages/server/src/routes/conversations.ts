import { LmappError } from 'lmapp-kit'
import { readJson } from '../http/body.ts'
import { sendJson, sendNothing } from '../http/reply.ts'
import {
  parseForkConversation,
  parseImportConversations,
  parsePatchConversation,
  parsePruneConversations,
  queryBoolean,
} from '../parse/conversations.ts'
import { queryInteger, queryText } from '../parse/requests.ts'
import { type Context, param, type Route } from './route.ts'

export const conversationRoutes: Route[] = [
  {
    method: 'GET',
    path: '/conversations',
    async handle({ app, response, principal, query }) {
      const before = query.get('before')
      const tag = query.get('tag')
      const pinned = queryBoolean(query, 'pinned')
      const found = await app.store.listConversations({
        owner: principal.owner,
        ...limitOf(query),
        ...(before !== null && { before }),
        ...(tag !== null && { tag }),
        ...(pinned !== undefined && { pinned }),
      })
      sendJson(response, found)
    },
  },
  {
    method: 'GET',
    path: '/conversations/:id',
    async handle(context) {
      const { app, response, principal, query } = context
      const branches = queryBoolean(query, 'branches') ?? false
      sendJson(response, await app.store.getConversation(param(context, 'id'), principal.owner, { branches }))
    },
  },
  { method: 'PATCH', path: '/conversations/:id', handle: patchConversation },
  {
    method: 'DELETE',
    path: '/conversations/:id',
    async handle(context) {
      const id = await findConversation(context)
      await context.app.store.deleteConversation(id, context.principal.owner)
      sendNothing(context.response)
    },
  },
  { method: 'POST', path: '/conversations/:id/fork', handle: forkConversation },
  {
    method: 'POST',
    path: '/conversations/import',
    async handle({ app, request, response, principal }) {
      const { conversations } = parseImportConversations(await readJson(request))
      sendJson(response, await app.store.importConversations(conversations, principal.owner))
    },
  },
  {
    method: 'POST',
    path: '/conversations/prune',
    async handle({ app, request, response, principal }) {
      const prune = parsePruneConversations(await readJson(request))
      const conversations = await app.store.pruneConversations({ owner: principal.owner, ...prune })
      sendJson(response, { conversations })
    },
  },
  {
    method: 'POST',
    path: '/history/vacuum',
    async handle({ app, response }) {
      sendJson(response, await app.store.vacuum())
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
  const { title, head, system, pinned, tags } = parsePatchConversation(await readJson(context.request))
  const id = await findConversation(context)
  if (head !== undefined) await store.setHead(id, head, owner)
  if (system !== undefined) await store.setSystem(id, system, owner)
  if (title !== undefined) await store.renameConversation(id, title, owner)
  if (pinned !== undefined) await store.setPinned(id, pinned, owner)
  if (tags !== undefined) await store.setTags(id, tags, owner)
  sendJson(context.response, await store.getConversation(id, owner))
}

/** From a conversation, or from a message of one; both by their beginnings too. */
async function forkConversation(context: Context): Promise<void> {
  const { store } = context.app
  const { owner } = context.principal
  const { message, title } = parseForkConversation(await readJson(context.request))
  const found = await store.findConversation(param(context, 'id'), owner)
  const messageId = message === undefined ? found.messageId : await findMessage(context, message, found.conversationId)
  const id = await store.forkConversation(found.conversationId, owner, {
    ...(messageId !== undefined && { messageId }),
    ...(title !== undefined && { title }),
  })
  sendJson(context.response, await store.getConversation(id, owner), 201)
}

async function findMessage({ app, principal }: Context, id: string, conversation: string): Promise<string> {
  const { conversationId, messageId } = await app.store.findConversation(id, principal.owner)
  if (messageId !== undefined && conversationId === conversation) return messageId
  throw new LmappError('not-found', `No message of this conversation has the id ${id}.`, { details: { id } })
}

/** By its own id or a prefix of it. The id of a message is for reading only: whoever gives it may not mean the whole. */
async function findConversation(context: Context): Promise<string> {
  const id = param(context, 'id')
  const { conversationId, messageId } = await context.app.store.findConversation(id, context.principal.owner)
  if (messageId === undefined) return conversationId
  throw new LmappError('not-found', `"${id}" is a message, not a conversation.`, {
    hint: `Its conversation is ${conversationId}`,
    details: { conversation: conversationId },
  })
}

function limitOf(query: URLSearchParams): { limit?: number } {
  const limit = queryInteger(query, 'limit', 1)
  return limit === undefined ? {} : { limit }
}
