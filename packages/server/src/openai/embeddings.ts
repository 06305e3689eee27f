import { toVectorBytes } from 'lmapp-kit'
import { toModelHeaders } from '../http/model-headers.ts'
import { sendJson } from '../http/reply.ts'
import {
  described,
  integer,
  type JsonSchema,
  lenient,
  listOf,
  nonEmptyString,
  oneOf,
  type Parser,
  parser,
  type Read,
  string,
} from '../parse/fields.ts'
import { notingLeftOut, unsupportedField } from '../parse/left-out.ts'
import { type Context, withBody } from '../routes/route.ts'
import { commonLeftOut } from './settings.ts'

const texts = listOf(nonEmptyString, { least: 1 })

const input: Parser<string[]> = parser({ anyOf: [nonEmptyString.schema, texts.schema] }, (value, place) => {
  if (!Array.isArray(value)) return [nonEmptyString(value, place)]
  if (typeof value[0] === 'number' || Array.isArray(value[0])) {
    throw unsupportedField(place, 'texts are embedded here: every model has tokens of its own')
  }
  return texts(value, place)
})

const embeddingRequest = notingLeftOut(
  lenient(
    { input },
    {
      model: nonEmptyString,
      encoding_format: oneOf('float', 'base64'),
      dimensions: described('Only the length that the vectors of the model have: none is cut.', integer(1)),
      user: string,
    },
  ),
  commonLeftOut,
)

const embeddingSchema: JsonSchema = {
  type: 'object',
  required: ['object', 'data', 'model', 'usage'],
  properties: {
    object: { const: 'list' },
    data: {
      type: 'array',
      items: {
        type: 'object',
        required: ['object', 'index', 'embedding'],
        properties: {
          object: { const: 'embedding' },
          index: { type: 'integer', minimum: 0 },
          embedding: {
            anyOf: [
              { type: 'array', items: { type: 'number' } },
              { type: 'string', contentEncoding: 'base64', description: 'Little-endian float32.' },
            ],
          },
        },
        additionalProperties: false,
      },
    },
    model: { type: 'string' },
    usage: {
      type: 'object',
      required: ['prompt_tokens', 'total_tokens'],
      properties: {
        prompt_tokens: { type: 'integer', minimum: 0, description: '0 where the engine does not count.' },
        total_tokens: { type: 'integer', minimum: 0 },
      },
    },
  },
  additionalProperties: false,
}

export const embeddingRoute = withBody({
  method: 'POST',
  path: '/v1/embeddings',
  access: 'inference',
  doc: {
    summary: 'Turns texts into vectors.',
    answers: { 200: { description: 'One vector for each text.', schema: embeddingSchema } },
  },
  body: embeddingRequest,
  handle: embed,
})

async function embed(
  { app, caller, response }: Context,
  { model, input, encoding_format: format = 'float', dimensions, ignored }: Read<typeof embeddingRequest>,
): Promise<void> {
  const answer = await app.embed(caller, { input, ...(model !== undefined && { model }) })
  const { vectors, inputTokens = 0 } = answer
  assertLength(dimensions, vectors)
  const data = vectors.map((vector, index) => ({
    object: 'embedding',
    index,
    embedding: format === 'base64' ? Buffer.from(toVectorBytes([vector])).toString('base64') : [...vector],
  }))
  const usage = { prompt_tokens: inputTokens, total_tokens: inputTokens }
  const headers = toModelHeaders(answer.model, ignored.length > 0 ? [ignored.join(' ')] : [])
  sendJson(response, { object: 'list', data, model: answer.model, usage }, 200, headers)
}

/** Which length a model could be cut to is not known here. */
function assertLength(wanted: number | undefined, [first]: readonly Float32Array[]): void {
  if (wanted === undefined || first === undefined || wanted === first.length) return
  throw unsupportedField('dimensions', `the vectors of this model have ${first.length}, and none is cut`)
}
