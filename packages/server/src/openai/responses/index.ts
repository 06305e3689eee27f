import { LmappError } from 'lmapp-kit'
import { type Route, withBody } from '../../routes/route.ts'
import { createResponse } from './create-response.ts'
import { countInputTokens, inputTokensRequest } from './input-tokens.ts'
import { responseRequest } from './request.ts'
import { deletedSchema, eventSchema, inputItemsSchema, inputTokensSchema, responseSchema } from './schemas.ts'
import { cancelResponse, deleteResponse, listInputItems, retrieveResponse } from './stored-responses.ts'

const stream = { type: 'text/event-stream', schema: eventSchema } as const

const params = { id: 'Id of a response.' }

/** Responses are kept in memory: the newest of them, until the service ends. */
export const responseRoutes: Route[] = [
  withBody({
    method: 'POST',
    path: '/v1/responses',
    access: 'inference',
    doc: {
      summary: 'Answers a conversation, and keeps it.',
      description:
        'Responses are kept in memory, the newest of them, so that `previous_response_id` can go on with them. Tools that ' +
        'are not functions, and what else is left out of a request, are told in the header `x-lmapp-warning`. An answer ' +
        'that breaks off ends its stream with `response.failed`, which has what had arrived.',
      answers: { 200: { description: 'The response; with `stream`, its events.', schema: responseSchema, stream } },
    },
    body: responseRequest,
    handle: createResponse,
  }),
  withBody({
    method: 'POST',
    path: '/v1/responses/input_tokens',
    access: 'inference',
    doc: {
      summary: 'Counts the tokens that a model would read.',
      description: 'Where the engine cannot count it is an estimate, and the header `x-lmapp-warning` says so.',
      answers: { 200: { description: 'How many there are.', schema: inputTokensSchema } },
    },
    body: inputTokensRequest,
    handle: countInputTokens,
  }),
  {
    method: 'POST',
    path: '/v1/responses/compact',
    access: 'inference',
    doc: { summary: 'Not here: a prompt that is too long is refused, never cut.', answers: {} },
    async handle() {
      throw new LmappError('not-found', 'Nothing is compacted here.', { hint: 'Send fewer items' })
    },
  },
  {
    method: 'GET',
    path: '/v1/responses/:id',
    access: 'inference',
    doc: {
      summary: 'A response as it is now.',
      params,
      query: {
        stream: { schema: { type: 'boolean' }, description: 'Its events from the first, then those to come.' },
        starting_after: {
          schema: { type: 'integer', minimum: 0 },
          description: 'Of the events, only those after this number.',
        },
      },
      answers: { 200: { description: 'The response; with `stream`, its events.', schema: responseSchema, stream } },
    },
    handle: retrieveResponse,
  },
  {
    method: 'DELETE',
    path: '/v1/responses/:id',
    access: 'inference',
    doc: {
      summary: 'Forgets a response. Those that went on from it stay as they are.',
      params,
      answers: { 200: { description: 'It is gone.', schema: deletedSchema } },
    },
    handle: deleteResponse,
  },
  {
    method: 'POST',
    path: '/v1/responses/:id/cancel',
    access: 'inference',
    doc: {
      summary: 'Stops a response that is written in the background; what was said is kept.',
      params,
      answers: { 200: { description: 'The response.', schema: responseSchema } },
    },
    handle: cancelResponse,
  },
  {
    method: 'GET',
    path: '/v1/responses/:id/input_items',
    access: 'inference',
    doc: {
      summary: 'What a response answers, without what was before.',
      params,
      query: {
        limit: { schema: { type: 'integer', minimum: 1, maximum: 100 }, description: 'How many at most; default 20.' },
        order: { schema: { type: 'string', enum: ['asc', 'desc'] }, description: 'Default: the last one first.' },
        after: { schema: { type: 'string' }, description: 'Only what comes after the item with this id.' },
      },
      answers: { 200: { description: 'The items.', schema: inputItemsSchema } },
    },
    handle: listInputItems,
  },
]
