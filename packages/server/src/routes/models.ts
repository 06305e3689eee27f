import type { ApiModel, PullEvent } from 'lmapp-client'
import { LmappError } from 'lmapp-kit'
import { readJson } from '../http/body.ts'
import { type EventStream, openEventStream } from '../http/event-stream.ts'
import { sendJson, toLmappError } from '../http/reply.ts'
import { parsePullModel, queryText } from '../parse/requests.ts'
import type { Context, Route } from './route.ts'

export const modelRoutes: Route[] = [
  {
    method: 'GET',
    path: '/models',
    guest: 'always',
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
    guest: 'always',
    async handle(context) {
      const model = await context.app.models.show(context.caller, queryText(context.query, 'ref'))
      sendJson(context.response, visible(model, context))
    },
  },
  {
    method: 'GET',
    path: '/models/resolve',
    async handle({ app, response, caller, query }) {
      sendJson(response, await app.models.resolve(caller, queryText(query, 'ref')))
    },
  },
  { method: 'POST', path: '/models/pull', guest: 'pull', handle: pullModel },
  {
    method: 'DELETE',
    path: '/models',
    async handle({ app, response, caller, query }) {
      sendJson(response, await app.models.remove(caller, queryText(query, 'ref')))
    },
  },
]

/** Where a file lies, when it was used and what memory is free is the owner's business. */
function visible(model: ApiModel, { principal }: Context): ApiModel {
  if (principal.kind !== 'guest') return model
  const { path: _path, origin: _origin, lastUsedAt: _lastUsedAt, fit: _fit, ...open } = model
  return open
}

/** What goes wrong before the first event is an answer of its own; later, it is the last event. */
async function pullModel(context: Context): Promise<void> {
  const { app, caller, request, response, heartbeatMs } = context
  const pull = parsePullModel(await readJson(request))
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
