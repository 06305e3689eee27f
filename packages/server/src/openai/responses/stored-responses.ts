import { LmappError } from 'lmapp-kit'
import { sendJson } from '../../http/reply.ts'
import { badField, integer, oneOf } from '../../parse/fields.ts'
import { queryInteger } from '../../parse/requests.ts'
import { type Context, param } from '../../routes/route.ts'
import { getResponse, type StoredResponse, toResponseId } from './response-store.ts'
import { streamDraft } from './stream-draft.ts'

/** What can be done with responses that are kept. */

export async function retrieveResponse(context: Context): Promise<void> {
  const { query, response } = context
  const { draft } = find(context)
  const after = queryInteger(query, 'starting_after', 0)
  if (readBoolean(query, 'stream')) return streamDraft(context, draft, { after })
  sendJson(response, draft.response())
}

export async function deleteResponse(context: Context): Promise<void> {
  const stored = find(context)
  context.responses.remove(stored)
  if (stored.background) await stored.cancel?.()
  sendJson(context.response, { id: toResponseId(stored.key), object: 'response', deleted: true })
}

/** One that has ended stays as it is. */
export async function cancelResponse(context: Context): Promise<void> {
  const { background, draft, cancel } = find(context)
  if (!background) {
    throw new LmappError('bad-input', 'Only a response that is written in the background can be cancelled.', {
      hint: 'Close the connection of any other one',
      details: { field: 'response_id' },
    })
  }
  await cancel?.()
  await new Promise<void>((resolve) => draft.onEnd(resolve))
  sendJson(context.response, draft.response())
}

const defaultItems = 20
const mostItems = 100

export function listInputItems(context: Context): void {
  const { query, response } = context
  const items = find(context).input.map(({ wire }) => wire)
  const limit = integer(1, mostItems)(queryInteger(query, 'limit', 1) ?? defaultItems, 'limit')
  const order = oneOf('asc', 'desc')(query.get('order') ?? 'desc', 'order')
  const ordered = order === 'asc' ? items : items.toReversed()
  const after = query.get('after')
  const start = after === null ? 0 : ordered.findIndex(({ id }) => id === after) + 1
  if (after !== null && start === 0) throw badField('after', 'the id of an item of this list')
  const data = ordered.slice(start, start + limit)
  sendJson(response, {
    object: 'list',
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: start + limit < ordered.length,
  })
}

function find(context: Context): StoredResponse {
  return getResponse(context.responses, param(context, 'id'), context.principal.owner, 'response_id')
}

function readBoolean(query: URLSearchParams, name: string): boolean {
  const text = query.get(name)
  return text !== null && oneOf('true', 'false')(text, name) === 'true'
}
