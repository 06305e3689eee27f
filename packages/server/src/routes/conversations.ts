import type { ForkConversation, PatchConversation } from 'lmapp-client'
import { LmappError } from 'lmapp-kit'
import { sendJson, sendNothing } from '../http/reply.ts'
import {
  forkConversation as forkBody,
  importConversations,
  patchConversation as patchBody,
  pruneConversations,
  queryBoolean,
} from '../parse/conversations.ts'
import { queryInteger, queryText } from '../parse/requests.ts'
import { type Context, param, type Route, withBody } from './route.ts'
import {
  conversationSchema,
  conversationSummarySchema,
  importedSchema,
  prunedSchema,
  searchHitSchema,
  vacuumedSchema,
} from './schemas/conversations.ts'

const params = { id: 'Id of a conversation, or its beginning.' }

export const conversationRoutes: Route[] = [
  {
    method: 'GET',
    path: '/conversations',
    access: 'admin',
    doc: {
      summary: 'The conversations: pinned ones first, then the one used last.',
      query: {
        limit: { schema: { type: 'integer', minimum: 1 }, description: 'How many at most.' },
        before: { schema: { type: 'string' }, description: 'Only what comes after this one.' },
        tag: { schema: { type: 'string' }, description: 'Only with this tag.' },
        pinned: { schema: { type: 'boolean' }, description: 'Only those that are pinned, or not.' },
      },
      answers: {
        200: { description: 'The conversations.', schema: { type: 'array', items: conversationSummarySchema } },
      },
    },
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
    access: 'admin',
    doc: {
      summary: 'A conversation, by its id, that of a message, or a beginning of either.',
      params: { id: 'Id of a conversation or of a message, or its beginning.' },
      query: { branches: { schema: { type: 'boolean' }, description: 'The whole tree.' } },
      answers: { 200: { description: 'The conversation.', schema: conversationSchema } },
    },
    async handle(context) {
      const { app, response, principal, query } = context
      const branches = queryBoolean(query, 'branches') ?? false
      sendJson(response, await app.store.getConversation(param(context, 'id'), principal.owner, { branches }))
    },
  },
  withBody({
    method: 'PATCH',
    path: '/conversations/:id',
    access: 'admin',
    doc: {
      summary: 'Changes what a conversation is called, where its head is, and more.',
      params,
      answers: { 200: { description: 'The conversation.', schema: conversationSchema } },
    },
    body: patchBody,
    handle: patchConversation,
  }),
  {
    method: 'DELETE',
    path: '/conversations/:id',
    access: 'admin',
    doc: {
      summary: 'Deletes a conversation, with all that was said.',
      params,
      answers: { 204: { description: 'It is gone.' } },
    },
    async handle(context) {
      const id = await findConversation(context)
      await context.app.store.deleteConversation(id, context.principal.owner)
      sendNothing(context.response)
    },
  },
  withBody({
    method: 'POST',
    path: '/conversations/:id/fork',
    access: 'admin',
    doc: {
      summary: 'Copies a path into a new conversation.',
      params: { id: 'Id of a conversation, or of the last message to take along; or its beginning.' },
      answers: { 201: { description: 'The new conversation.', schema: conversationSchema } },
    },
    body: forkBody,
    handle: forkConversation,
  }),
  withBody({
    method: 'POST',
    path: '/conversations/import',
    access: 'admin',
    doc: {
      summary: 'Takes in conversations that were exported.',
      answers: { 200: { description: 'What became of each.', schema: importedSchema } },
    },
    body: importConversations,
    async handle({ app, response, principal }, { conversations }) {
      sendJson(response, await app.store.importConversations(conversations, principal.owner))
    },
  }),
  withBody({
    method: 'POST',
    path: '/conversations/prune',
    access: 'admin',
    doc: {
      summary: 'Deletes what was last used before a time.',
      answers: { 200: { description: 'What was deleted.', schema: prunedSchema } },
    },
    body: pruneConversations,
    async handle({ app, response, principal }, prune) {
      const conversations = await app.store.pruneConversations({ owner: principal.owner, ...prune })
      sendJson(response, { conversations })
    },
  }),
  {
    method: 'POST',
    path: '/history/vacuum',
    access: 'admin',
    doc: {
      summary: 'Gives back to the disk what was deleted.',
      answers: { 200: { description: 'What it freed.', schema: vacuumedSchema } },
    },
    async handle({ app, response }) {
      sendJson(response, await app.store.vacuum())
    },
  },
  {
    method: 'GET',
    path: '/terminals/:terminal/conversation',
    access: 'admin',
    doc: {
      summary: 'The last conversation of a terminal.',
      params: { terminal: 'What `POST /lmapp/v1/runs` had as `terminal`.' },
      answers: { 200: { description: 'The conversation.', schema: conversationSchema } },
    },
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
    access: 'admin',
    doc: {
      summary: 'Finds what was said.',
      query: {
        q: { schema: { type: 'string', minLength: 1 }, description: 'The words.', required: true },
        limit: { schema: { type: 'integer', minimum: 1 }, description: 'How many at most.' },
      },
      answers: { 200: { description: 'The hits.', schema: { type: 'array', items: searchHitSchema } } },
    },
    async handle({ app, response, principal, query }) {
      sendJson(response, await app.store.search(queryText(query, 'q'), { owner: principal.owner, ...limitOf(query) }))
    },
  },
]

async function patchConversation(context: Context, patch: PatchConversation): Promise<void> {
  const { store } = context.app
  const { owner } = context.principal
  const { title, head, system, pinned, tags } = patch
  const id = await findConversation(context)
  if (head !== undefined) await store.setHead(id, head, owner)
  if (system !== undefined) await store.setSystem(id, system, owner)
  if (title !== undefined) await store.renameConversation(id, title, owner)
  if (pinned !== undefined) await store.setPinned(id, pinned, owner)
  if (tags !== undefined) await store.setTags(id, tags, owner)
  sendJson(context.response, await store.getConversation(id, owner))
}

/** From a conversation, or from a message of one; both by their beginnings too. */
async function forkConversation(context: Context, { message, title }: ForkConversation): Promise<void> {
  const { store } = context.app
  const { owner } = context.principal
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
