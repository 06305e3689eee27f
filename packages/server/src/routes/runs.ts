import type { Run, RunRequest } from '@lmapp/core/runs'
import type { CreateRun, RunInfo } from 'lmapp-client'
import { LmappError, type NumberedRunEvent } from 'lmapp-kit'
import { owner } from '../access/principal.ts'
import { openEventStream } from '../http/event-stream.ts'
import { sendJson } from '../http/reply.ts'
import { createRun as createRunBody } from '../parse/create-run.ts'
import { badField, integer } from '../parse/fields.ts'
import { queryInteger } from '../parse/requests.ts'
import { type Context, param, type Route, withBody } from './route.ts'
import { runEventSchema, runInfoSchema } from './schemas/run-events.ts'

const params = { id: 'Id of a run.' }
const runAnswer = { 200: { description: 'The run.', schema: runInfoSchema } }
const stream = { type: 'text/event-stream', schema: runEventSchema } as const

export const runRoutes: Route[] = [
  withBody({
    method: 'POST',
    path: '/runs',
    access: 'inference',
    doc: {
      summary: 'Asks for an answer.',
      description:
        'With `accept: text/event-stream` its events follow at once; otherwise the run goes on by itself and can be joined.',
      example: { content: [{ type: 'text', text: 'Why is the sky blue?' }], save: false },
      answers: {
        200: { description: 'Its events, where they are asked for; the last one is `end`.', stream },
        202: { description: 'The run, which goes on.', schema: runInfoSchema },
      },
    },
    body: createRunBody,
    handle: createRun,
  }),
  {
    method: 'GET',
    path: '/runs',
    access: 'admin',
    doc: {
      summary: 'The runs that are running, newest first.',
      answers: { 200: { description: 'The runs.', schema: { type: 'array', items: runInfoSchema } } },
    },
    handle: ({ app, response, principal }) => sendJson(response, app.runs.list(principal.owner).map(toInfo)),
  },
  {
    method: 'GET',
    path: '/runs/:id',
    access: 'inference',
    doc: { summary: 'A run that is running, or ended a short while ago.', params, answers: runAnswer },
    handle: (context) => sendJson(context.response, toInfo(findRun(context))),
  },
  {
    method: 'GET',
    path: '/runs/:id/events',
    access: 'inference',
    doc: {
      summary: 'Joins a run: a snapshot, then what happens from now on; with `from`, all that came after that event.',
      params,
      query: {
        from: { schema: { type: 'integer', minimum: 0 }, description: 'Sequence number of the last event seen.' },
      },
      answers: { 200: { description: 'The events; the last one is `end`.', stream } },
    },
    handle(context) {
      const from = firstSeq(context)
      return streamRun(context, findRun(context), from === undefined ? {} : { from })
    },
  },
  {
    method: 'POST',
    path: '/runs/:id/cancel',
    access: 'inference',
    doc: { summary: 'Stops a run; what was said is kept.', params, answers: runAnswer },
    async handle(context) {
      const run = findRun(context)
      await run.cancel()
      sendJson(context.response, toInfo(run))
    },
  },
]

async function createRun(context: Context, body: CreateRun): Promise<void> {
  const { app, request, response } = context
  const streams = request.headers.accept?.includes('text/event-stream') ?? false
  if (body.cancelOnDisconnect && !streams) throw badField('cancelOnDisconnect', 'left out without an event stream')
  const run = await app.runs.start(toRunRequest(body, context))
  if (!streams) return sendJson(response, toInfo(run), 202)
  if (body.cancelOnDisconnect) cancelOnDisconnect(run, context)
  await streamRun(context, run, { from: 0 })
}

function cancelOnDisconnect(run: Run, { app, response }: Context): void {
  const cancel = () => {
    if (!run.end) run.cancel().catch(app.onBug)
  }
  if (response.destroyed) cancel()
  else response.once('close', cancel)
}

/** Always ends with the run's `end`. A client that leaves frees its reader and disturbs nobody. */
async function streamRun(context: Context, run: Run, options: { from?: number }): Promise<void> {
  const { caller, response, heartbeatMs } = context
  const stream = openEventStream(response, { heartbeatMs, headers: { 'x-lmapp-run': run.id } })
  let sent: NumberedRunEvent['event']['type'] | undefined
  for await (const numbered of run.events({ ...options, signal: caller.signal })) {
    sent = numbered.event.type
    const full = stream.send(toFrame(numbered))
    if (full) await full
  }
  if (run.end && sent !== 'end') void stream.send(toFrame({ seq: run.seq, event: run.end }))
  stream.end()
}

function toFrame({ seq, event }: NumberedRunEvent): string {
  return `id: ${seq}\ndata: ${JSON.stringify(event)}\n\n`
}

function findRun(context: Context): Run {
  return context.app.runs.get(param(context, 'id'), context.principal.owner)
}

function firstSeq({ query, request }: Context): number | undefined {
  const from = queryInteger(query, 'from', 0)
  const last = request.headers['last-event-id']
  return from ?? (last === undefined ? undefined : integer(0)(Number(last), 'last-event-id'))
}

function toInfo(run: Run): RunInfo {
  return {
    id: run.id,
    ...(run.conversation !== undefined && { conversation: run.conversation }),
    message: run.message,
    model: run.model,
    state: run.state,
    seq: run.seq,
    ...(run.end && { end: run.end }),
  }
}

function toRunRequest(body: CreateRun, { app, principal, caller }: Context): RunRequest {
  const { kind = 'ask', save = true, allowFetch = true, offline = false, cancelOnDisconnect: _, ...rest } = body
  const request = { ...rest, kind, save, allowFetch, offline, owner: principal.owner, environment: caller.environment }
  return principal.owner === owner.owner ? request : toGuestRequest(request, body, app.serve.allowPull)
}

/** A guest is answered, and leaves no trace. */
function toGuestRequest(request: RunRequest, body: CreateRun, allowPull: boolean): RunRequest {
  const { conversation, message, terminal } = body
  const wants = Object.entries({
    'save: true': body.save === true,
    [`kind: ${request.kind}`]: request.kind !== 'ask',
    conversation: conversation !== undefined,
    message: message !== undefined,
    terminal: terminal !== undefined,
  }).find(([, wanted]) => wanted)
  if (wants) {
    throw new LmappError('forbidden', `A guest may not use "${wants[0]}": it has no history here.`, {
      hint: 'Leave it out, or use the lmapp command',
    })
  }
  return { ...request, save: false, allowFetch: request.allowFetch && allowPull }
}
