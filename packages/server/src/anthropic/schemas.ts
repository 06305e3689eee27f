import type { JsonSchema } from '../parse/fields.ts'

/** What is sent, for the document at `/openapi.json`. */

const count: JsonSchema = { type: 'integer', minimum: 0 }
const text: JsonSchema = { type: 'string' }
const nothing: JsonSchema = { type: 'null' }

const deltaUsage = {
  input_tokens: { ...count, description: 'Of the prompt, without those that were read from the cache.' },
  output_tokens: count,
  cache_creation_input_tokens: { const: 0 },
  cache_read_input_tokens: { ...count, description: 'Of the prompt, those that were not read anew.' },
  output_tokens_details: {
    anyOf: [strict({ thinking_tokens: count }), nothing],
    description: 'null where the engine does not tell how much of the answer was thinking.',
  },
  server_tool_use: nothing,
}

const usageSchema = strict({ ...deltaUsage, cache_creation: nothing, service_tier: nothing, inference_geo: nothing })

const blockSchema: JsonSchema = {
  anyOf: [
    strict({ type: { const: 'thinking' }, thinking: text, signature: text }),
    strict({ type: { const: 'text' }, text, citations: nothing }),
    strict({
      type: { const: 'tool_use' },
      id: text,
      name: text,
      input: { type: 'object' },
      caller: strict({ type: { const: 'direct' } }),
    }),
  ],
}

const stopReasonSchema: JsonSchema = {
  enum: ['end_turn', 'max_tokens', 'tool_use', 'refusal'],
  description: 'An answer that a stop sequence ended has `end_turn`: engines do not say by what they were stopped.',
}

export const messageSchema = strict({
  id: { type: 'string', pattern: '^msg_' },
  type: { const: 'message' },
  role: { const: 'assistant' },
  model: { ...text, description: '`backend/model` that answered.' },
  content: { type: 'array', items: blockSchema },
  stop_reason: { anyOf: [stopReasonSchema, nothing] },
  stop_sequence: nothing,
  stop_details: nothing,
  container: nothing,
  usage: usageSchema,
})

export const errorSchema = strict({
  type: { const: 'error' },
  error: strict({
    type: {
      enum: [
        'invalid_request_error',
        'authentication_error',
        'permission_error',
        'not_found_error',
        'request_too_large',
        'rate_limit_error',
        'api_error',
        'overloaded_error',
        'timeout_error',
      ],
    },
    message: text,
    details: strict({ error_code: { ...text, description: "lmapp's own code." } }),
  }),
  request_id: { type: 'string', pattern: '^req_' },
})

const deltaSchema: JsonSchema = {
  anyOf: [
    strict({ type: { const: 'text_delta' }, text }),
    strict({ type: { const: 'thinking_delta' }, thinking: text }),
    strict({ type: { const: 'signature_delta' }, signature: text }),
    strict({ type: { const: 'input_json_delta' }, partial_json: text }),
  ],
}

/** The data of one event; its name is the `type`. After `error` nothing comes, `message_stop` neither. */
export const eventSchema: JsonSchema = {
  anyOf: [
    strict({ type: { const: 'message_start' }, message: messageSchema }),
    strict({ type: { const: 'content_block_start' }, index: count, content_block: blockSchema }),
    strict({ type: { const: 'content_block_delta' }, index: count, delta: deltaSchema }),
    strict({ type: { const: 'content_block_stop' }, index: count }),
    strict({
      type: { const: 'message_delta' },
      delta: strict({
        stop_reason: stopReasonSchema,
        stop_sequence: nothing,
        stop_details: nothing,
        container: nothing,
      }),
      usage: strict(deltaUsage),
    }),
    strict({ type: { const: 'message_stop' } }),
    strict({ type: { const: 'ping' } }),
    errorSchema,
  ],
}

export const tokenCountSchema = strict({ input_tokens: count })

/** All of these, and nothing else. */
function strict(properties: Record<string, JsonSchema>): JsonSchema {
  return { type: 'object', properties, required: Object.keys(properties), additionalProperties: false }
}
