import type { JsonSchema } from '../../parse/fields.ts'
import type { Answer } from '../../routes/route.ts'
import { errorSchema } from '../error.ts'
import { metricsProperties } from './metrics.ts'

const probability = {
  type: 'object',
  required: ['token', 'logprob', 'bytes'],
  properties: {
    token: { type: 'string' },
    logprob: { type: 'number', maximum: 0 },
    bytes: { type: 'array', items: { type: 'integer', minimum: 0, maximum: 255 } },
  },
}
const logprobs = {
  type: 'array',
  items: {
    ...probability,
    properties: { ...probability.properties, top_logprobs: { type: 'array', items: probability } },
  },
}
const toolCall = {
  type: 'object',
  required: ['id', 'function'],
  properties: {
    id: { type: 'string' },
    function: {
      type: 'object',
      required: ['index', 'name', 'arguments'],
      properties: {
        index: { type: 'integer', minimum: 0 },
        name: { type: 'string' },
        arguments: { type: 'object' },
      },
    },
  },
}

/** Of `/api/chat`. */
export const messageFields: JsonSchema = {
  message: {
    type: 'object',
    required: ['role', 'content'],
    properties: {
      role: { const: 'assistant' },
      content: { type: 'string' },
      thinking: { type: 'string' },
      tool_calls: { type: 'array', items: toolCall },
    },
    additionalProperties: false,
  },
}

/** Of `/api/generate`. */
export const responseFields: JsonSchema = { response: { type: 'string' }, thinking: { type: 'string' } }

/** `said`: the properties by which the route tells what was said; the first of them is always there. */
export function describeAnswer(said: JsonSchema): Answer {
  const [main = ''] = Object.keys(said)
  const properties = {
    model: { type: 'string' },
    created_at: { type: 'string', format: 'date-time' },
    ...said,
    logprobs,
  }
  const required = ['model', 'created_at', main, 'done']
  const piece = {
    type: 'object',
    required,
    properties: { ...properties, done: { const: false } },
    additionalProperties: false,
  }
  const last = {
    type: 'object',
    required: [...required, 'done_reason'],
    properties: {
      ...properties,
      done: { const: true },
      done_reason: { enum: ['stop', 'length', 'load', 'unload'] },
      ...metricsProperties,
    },
    additionalProperties: false,
  }
  return {
    description:
      'The whole answer, or with `stream` a line for each piece: the last one has `done: true`, or is an error.',
    schema: last,
    stream: { type: 'application/x-ndjson', schema: { anyOf: [piece, last, errorSchema] } },
  }
}
