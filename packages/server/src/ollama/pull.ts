import type { PullEvent } from 'lmapp-client'
import { LmappError } from 'lmapp-kit'
import { type EventStream, openEventStream } from '../http/event-stream.ts'
import { sendJson, toLmappError } from '../http/reply.ts'
import { toWarningHeader } from '../http/warning-header.ts'
import { boolean, described, lenient, type Read, string } from '../parse/fields.ts'
import { notingLeftOut } from '../parse/left-out.ts'
import { type Context, type Route, withBody } from '../routes/route.ts'
import { errorSchema, toErrorText } from './error.ts'
import { withModel, withoutLatest } from './model-name.ts'
import { nameFields, needingModel } from './named-model.ts'

const isEmpty = (value: unknown) => value === ''
const pullRequest = notingLeftOut(
  needingModel(
    lenient(
      {},
      {
        ...nameFields,
        stream: described('Default true.', boolean),
        insecure: boolean,
        username: string,
        password: string,
      },
    ),
  ),
  {
    insecure: { why: 'what is fetched is always checked', unless: (value) => value === false },
    username: { why: 'nobody signs in here', unless: isEmpty },
    password: { why: 'nobody signs in here', unless: isEmpty },
  },
)

const success = { status: 'success' }
const count = { type: 'integer', minimum: 0 }
const stepSchema = {
  type: 'object',
  required: ['status'],
  properties: { status: { type: 'string' }, digest: { type: 'string' }, total: count, completed: count },
  additionalProperties: false,
}

export const pullRoute: Route = withBody({
  method: 'POST',
  path: '/api/pull',
  access: 'pull',
  doc: {
    summary: 'Fetches a model.',
    answers: {
      200: {
        description: 'That it is here; with `stream` its progress first. A stream without `success` failed.',
        schema: { type: 'object', required: ['status'], properties: { status: { const: 'success' } } },
        stream: { type: 'application/x-ndjson', schema: { anyOf: [stepSchema, errorSchema] } },
      },
    },
  },
  body: pullRequest,
  async handle(context, body) {
    const { stream = true, ignored } = body
    if (stream) return streamPull(context, body)
    for await (const _ of pull(context, body.model)) context.caller.signal.throwIfAborted()
    sendJson(context.response, success, 200, toWarningHeader(ignored))
  },
})

/** What goes wrong before the first step is an answer of its own; later, it is the last line. */
async function streamPull(context: Context, { model, ignored }: Read<typeof pullRequest>): Promise<void> {
  const { app, caller, response, heartbeatMs } = context
  const open = () => openEventStream(response, { ...ndjson, heartbeatMs, headers: toWarningHeader(ignored) })
  let stream: EventStream | undefined
  try {
    for await (const step of pull(context, model)) {
      stream ??= open()
      await stream.send(toLine(step))
    }
    stream ??= open()
    await stream.send(toLine(success))
  } catch (error) {
    if (!stream) throw error
    if (!caller.signal.aborted) void stream.send(toLine({ error: toErrorText(toLmappError(error, app.onBug)) }))
  }
  stream.end()
}

const ndjson = { type: 'application/x-ndjson', heartbeat: '' }

function toLine(value: object): string {
  return `${JSON.stringify(value)}\n`
}

interface Step {
  status: string
  digest?: string
  total?: number
  completed?: number
}

/** Ends when the model is here. Throws what kept it from coming. */
async function* pull({ app, caller }: Context, asked: string): AsyncGenerator<Step> {
  const reference = toReference(asked)
  let ref: string | undefined
  const events = app.models.pull(caller, { model: reference })[Symbol.asyncIterator]()
  try {
    for (;;) {
      const { done, value } = await withModel(asked, () => events.next())
      if (done) break
      if (value.type === 'done') ref = value.ref
      else yield toStep(value, reference)
    }
  } finally {
    await events.return?.()
  }
  if (ref === undefined) throw new LmappError('download-failed', 'The download ended without a result.')
  if (ref !== reference && !ref.endsWith(`/${reference}`)) yield { status: `here as ${ref}` }
}

/** What Ollama spells `hf.co/owner/repository:quantization`. */
function toReference(asked: string): string {
  return withoutLatest(asked).replace(/^(?:hf\.co|huggingface\.co)\//, 'hf:')
}

/** Its command line draws one bar for each digest, and takes any text for one. */
function toStep({ status, progress }: Extract<PullEvent, { type: 'progress' }>, reference: string): Step {
  if (progress?.unit !== 'bytes') return { status }
  const [, layer] = /^pulling ([0-9a-f]{12,64})$/.exec(status) ?? []
  const total = progress.total === undefined ? {} : { total: Math.round(progress.total) }
  const digest = layer === undefined ? reference : `sha256:${layer}`
  return { status, digest, ...total, completed: Math.round(progress.done) }
}
