import type { Embedding } from 'lmapp-kit'
import { sendJson } from '../http/reply.ts'
import { toWarningHeader } from '../http/warning-header.ts'
import { boolean, byKind, integer, lenient, listOf, object, type Read, string } from '../parse/fields.ts'
import { type LeftOut, notingLeftOut } from '../parse/left-out.ts'
import { type Context, type Route, withBody } from '../routes/route.ts'
import { metricsProperties, toNanoseconds } from './answer/metrics.ts'
import { modelName, withModel } from './model-name.ts'
import { keepAlive } from './request/keep-alive.ts'
import { leftOut } from './request/settings.ts'
import { unloadQuietly } from './respond.ts'

const sharedFields = { options: object, keep_alive: keepAlive }
const embedLeftOut: LeftOut = {
  ...leftOut,
  truncate: { why: 'a text that does not fit is refused, never cut', unless: (value) => value === false },
  options: { why: 'embedding has no settings here', unless: (value) => Object.keys(value as object).length === 0 },
}

const embedRequest = notingLeftOut(
  lenient(
    { model: modelName },
    { input: byKind({ string, array: listOf(string) }), dimensions: integer(0), truncate: boolean, ...sharedFields },
  ),
  embedLeftOut,
)
const oldRequest = notingLeftOut(lenient({ model: modelName }, { prompt: string, ...sharedFields }), embedLeftOut)

const vector = { type: 'array', items: { type: 'number' } }

export const embedRoutes: Route[] = [
  withBody({
    method: 'POST',
    path: '/api/embed',
    access: 'inference',
    doc: {
      summary: 'Turns texts into vectors of length 1.',
      description: 'Without a text the model is loaded.',
      answers: {
        200: {
          description: 'One vector for each text.',
          schema: {
            type: 'object',
            required: ['model', 'embeddings'],
            properties: {
              model: { type: 'string' },
              embeddings: { type: 'array', items: vector },
              total_duration: metricsProperties.total_duration,
              prompt_eval_count: metricsProperties.prompt_eval_count,
            },
            additionalProperties: false,
          },
        },
      },
    },
    body: embedRequest,
    handle: embed,
  }),
  withBody({
    method: 'POST',
    path: '/api/embeddings',
    access: 'inference',
    doc: {
      summary: 'Turns a text into a vector; the older form of `/api/embed`.',
      answers: {
        200: {
          description: 'The vector as the model gives it; empty without a text, for which the model is loaded.',
          schema: { type: 'object', required: ['embedding'], properties: { embedding: vector } },
        },
      },
    },
    body: oldRequest,
    async handle(context, body) {
      const { vectors, ref } = await toVectors(context, body, toList(body.prompt ?? ''))
      const embedding = Array.from(vectors[0] ?? [])
      sendJson(context.response, { embedding }, 200, toWarningHeader(body.ignored))
      if (body.keep_alive === 0) await unloadQuietly(context, ref)
    },
  }),
]

async function embed(context: Context, body: Read<typeof embedRequest>): Promise<void> {
  const { model, input = [], dimensions, ignored } = body
  const since = performance.now()
  const { vectors, inputTokens, ref } = await toVectors(
    context,
    body,
    typeof input === 'string' ? toList(input) : input,
  )
  const answer = {
    model,
    embeddings: vectors.map((each) => toUnit(dimensions ? each.subarray(0, dimensions) : each)),
    ...(vectors.length > 0 && { total_duration: toNanoseconds(performance.now() - since) }),
    ...(inputTokens !== undefined && { prompt_eval_count: inputTokens }),
  }
  sendJson(context.response, answer, 200, toWarningHeader(ignored))
  if (body.keep_alive === 0) await unloadQuietly(context, ref)
}

function toList(text: string): string[] {
  return text === '' ? [] : [text]
}

interface Vectors extends Embedding {
  /** `backend/model` that made them. */
  ref: string
}

/** Without a text the model is loaded. */
function toVectors({ app, caller }: Context, { model }: { model: string }, input: string[]): Promise<Vectors> {
  return withModel(model, async (asked) => {
    if (input.length === 0) return { vectors: [], ...(await app.models.load(caller, asked)) }
    const { model: ref, ...embedding } = await app.embed(caller, { model: asked, input })
    return { ref, ...embedding }
  })
}

function toUnit(vector: Float32Array): number[] {
  const length = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0))
  return Array.from(vector, (value) => (length > 0 ? value / length : 0))
}
