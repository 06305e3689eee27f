import type { CollectedAnswer } from '../../answer/index.ts'
import type { JsonSchema } from '../../parse/fields.ts'
import { finishReasons, toFinishReason } from '../finish-reason.ts'
import { type Head, headProperties } from '../head.ts'
import { chatLogprobsSchema, toChatLogprobs } from '../logprobs.ts'
import { toUsage, usageSchema } from '../usage.ts'

const toolCallSchema = {
  type: 'object',
  required: ['id', 'type', 'function'],
  properties: {
    id: { type: 'string' },
    type: { const: 'function' },
    function: {
      type: 'object',
      required: ['name', 'arguments'],
      properties: {
        name: { type: 'string' },
        arguments: { type: 'string', description: 'JSON, as the model wrote it; it may be none.' },
      },
    },
  },
}

const messageSchema = {
  type: 'object',
  required: ['role', 'content', 'refusal', 'annotations'],
  properties: {
    role: { const: 'assistant' },
    content: { type: ['string', 'null'] },
    refusal: { type: 'null' },
    annotations: { type: 'array', maxItems: 0 },
    tool_calls: { type: 'array', minItems: 1, items: toolCallSchema },
    reasoning_content: { type: 'string', description: 'What the model thought; the same as `reasoning`.' },
    reasoning: { type: 'string' },
  },
  additionalProperties: false,
}

const headFields = { id: { type: 'string', pattern: '^chatcmpl-' }, ...headProperties }

export const chatAnswerSchema: JsonSchema = {
  type: 'object',
  required: ['id', 'object', 'created', 'model', 'choices'],
  properties: {
    ...headFields,
    object: { const: 'chat.completion' },
    choices: {
      type: 'array',
      minItems: 1,
      maxItems: 1,
      items: {
        type: 'object',
        required: ['index', 'message', 'logprobs', 'finish_reason'],
        properties: {
          index: { const: 0 },
          message: messageSchema,
          logprobs: chatLogprobsSchema,
          finish_reason: { enum: finishReasons },
        },
        additionalProperties: false,
      },
    },
    usage: usageSchema,
  },
  additionalProperties: false,
}

const deltaSchema = {
  type: 'object',
  properties: {
    role: { const: 'assistant' },
    content: { type: ['string', 'null'] },
    reasoning_content: { type: 'string' },
    reasoning: { type: 'string' },
    tool_calls: {
      type: 'array',
      items: {
        ...toolCallSchema,
        required: ['index', ...toolCallSchema.required],
        properties: { index: { type: 'integer', minimum: 0 }, ...toolCallSchema.properties },
      },
    },
  },
  additionalProperties: false,
}

export const chatChunkSchema: JsonSchema = {
  type: 'object',
  required: ['id', 'object', 'created', 'model', 'choices'],
  properties: {
    ...headFields,
    object: { const: 'chat.completion.chunk' },
    choices: {
      type: 'array',
      maxItems: 1,
      items: {
        type: 'object',
        required: ['index', 'delta', 'logprobs', 'finish_reason'],
        properties: {
          index: { const: 0 },
          delta: deltaSchema,
          logprobs: chatLogprobsSchema,
          finish_reason: { enum: [...finishReasons, null] },
        },
      },
    },
    usage: { anyOf: [usageSchema, { type: 'null' }] },
  },
}

export function toChatAnswer({ id, created, model }: Head, answer: CollectedAnswer): Record<string, unknown> {
  const usage = toUsage(answer.end.usage)
  return {
    id,
    object: 'chat.completion',
    created,
    model,
    choices: [
      {
        index: 0,
        message: toMessage(answer),
        logprobs: answer.logprobs ? toChatLogprobs(answer.logprobs) : null,
        finish_reason: toFinishReason(answer.reason, answer.toolCalls.length > 0),
      },
    ],
    ...(usage && { usage }),
  }
}

function toMessage({ text, reasoning, toolCalls }: CollectedAnswer): Record<string, unknown> {
  return {
    role: 'assistant',
    content: text === '' && toolCalls.length > 0 ? null : text,
    refusal: null,
    annotations: [],
    ...(toolCalls.length > 0 && { tool_calls: toolCalls.map(toWireCall) }),
    ...(reasoning !== '' && { reasoning_content: reasoning, reasoning }),
  }
}

export function toWireCall({ id, name, arguments: given }: CollectedAnswer['toolCalls'][number]): object {
  return { id, type: 'function', function: { name, arguments: given } }
}
