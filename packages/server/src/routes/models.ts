import type { ApiModel, PullEvent, PullModel } from 'lmapp-client'
import { LmappError } from 'lmapp-kit'
import { owner } from '../access/principal.ts'
import { type EventStream, openEventStream } from '../http/event-stream.ts'
import { sendJson, toLmappError } from '../http/reply.ts'
import { pullModel as pullBody, queryText } from '../parse/requests.ts'
import { type Context, type Route, withBody } from './route.ts'
import { modelSchema, pullEventSchema, removedSchema, resolvedSchema } from './schemas/models.ts'

const ref = {
  ref: {
    schema: { type: 'string', minLength: 1 },
    description: 'A model reference: an alias, backend/model, or a name.',
    required: true,
  },
} as const

export const modelRoutes: Route[] = [
  {
    method: 'GET',
    path: '/models',
    access: 'list',
    doc: {
      summary: 'The models of all backends: loaded ones first, then by their last use.',
      query: { backend: { schema: { type: 'string' }, description: 'Only those of this backend.' } },
      answers: { 200: { description: 'The models.', schema: { type: 'array', items: modelSchema } } },
    },
    async handle(context) {
      const backend = context.query.get('backend')
      const models = await context.app.models.list(context.caller, backend === null ? {} : { backend })
      sendJson(
        context.response,
        models.map((model) => visible(model, context)),
      )
    },
  },
  {
    method: 'GET',
    path: '/models/show',
    access: 'list',
    doc: {
      summary: 'One model, with its prompt template.',
      query: ref,
      answers: { 200: { description: 'The model.', schema: modelSchema } },
    },
    async handle(context) {
      const model = await context.app.models.show(context.caller, queryText(context.query, 'ref'))
      sendJson(context.response, visible(model, context))
    },
  },
  {
    method: 'GET',
    path: '/models/resolve',
    access: 'admin',
    doc: {
      summary: 'What a reference stands for.',
      query: ref,
      answers: { 200: { description: 'The candidates, in order.', schema: resolvedSchema } },
    },
    async handle({ app, response, caller, query }) {
      sendJson(response, await app.models.resolve(caller, queryText(query, 'ref')))
    },
  },
  withBody({
    method: 'POST',
    path: '/models/pull',
    access: 'pull',
    doc: {
      summary: 'Fetches a model.',
      answers: {
        200: {
          description: 'Its progress, then `done` or `error`.',
          stream: { type: 'text/event-stream', schema: pullEventSchema },
        },
      },
    },
    body: pullBody,
    handle: pullModel,
  }),
  {
    method: 'DELETE',
    path: '/models',
    access: 'models',
    doc: {
      summary: 'Removes a model.',
      query: ref,
      answers: { 200: { description: 'What was removed.', schema: removedSchema } },
    },
    async handle({ app, response, caller, query }) {
      sendJson(response, await app.models.remove(caller, queryText(query, 'ref')))
    },
  },
]

/** Where a file lies, when it was used and what memory is free is the owner's business. */
function visible(model: ApiModel, { principal }: Context): ApiModel {
  if (principal.owner === owner.owner) return model
  const { path: _path, origin: _origin, lastUsedAt: _lastUsedAt, fit: _fit, ...open } = model
  return open
}

/** What goes wrong before the first event is an answer of its own; later, it is the last event. */
async function pullModel({ app, caller, response, heartbeatMs }: Context, pull: PullModel): Promise<void> {
  let stream: EventStream | undefined
  try {
    for await (const event of app.models.pull(caller, pull)) {
      stream ??= openEventStream(response, { heartbeatMs })
      await stream.send(toFrame(event))
    }
    if (!stream) throw new LmappError('download-failed', 'The download ended without a result.')
  } catch (error) {
    if (!stream) throw error
    if (!caller.signal.aborted)
      void stream.send(toFrame({ type: 'error', error: toLmappError(error, app.onBug).toData() }))
  }
  stream.end()
}

function toFrame(event: PullEvent): string {
  return `data: ${JSON.stringify(event)}\n\n`
}
