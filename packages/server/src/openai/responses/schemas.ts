import type { JsonSchema } from '../../parse/fields.ts'

/** Schemas of what is answered. */

const count = { type: 'integer', minimum: 0 }
const textOrNull = { type: ['string', 'null'] }
const itemStatus = { enum: ['in_progress', 'completed', 'incomplete'] }

const tokenFields = {
  token: { type: 'string' },
  logprob: { type: 'number' },
  bytes: { type: 'array', items: { type: 'integer' } },
}
const logprobs = {
  type: 'array',
  items: {
    type: 'object',
    required: ['token', 'logprob', 'bytes', 'top_logprobs'],
    properties: {
      ...tokenFields,
      top_logprobs: {
        type: 'array',
        items: { type: 'object', required: ['token', 'logprob', 'bytes'], properties: tokenFields },
      },
    },
  },
}

const textPart = {
  type: 'object',
  required: ['type', 'text', 'annotations', 'logprobs'],
  properties: {
    type: { const: 'output_text' },
    text: { type: 'string' },
    annotations: { type: 'array', maxItems: 0 },
    logprobs,
  },
  additionalProperties: false,
}
const thought = (type: string) => ({
  type: 'object',
  required: ['type', 'text'],
  properties: { type: { const: type }, text: { type: 'string' } },
})

const outputItem = {
  anyOf: [
    {
      type: 'object',
      required: ['id', 'type', 'status', 'role', 'content'],
      properties: {
        id: { type: 'string', pattern: '^msg_' },
        type: { const: 'message' },
        status: itemStatus,
        role: { const: 'assistant' },
        content: { type: 'array', items: textPart },
      },
      additionalProperties: false,
    },
    {
      type: 'object',
      required: ['id', 'type', 'summary', 'status'],
      properties: {
        id: { type: 'string', pattern: '^rs_' },
        type: { const: 'reasoning' },
        summary: {
          type: 'array',
          items: thought('summary_text'),
          description: 'All thoughts, where one was asked for.',
        },
        content: { type: 'array', items: thought('reasoning_text') },
        status: itemStatus,
      },
      additionalProperties: false,
    },
    {
      type: 'object',
      required: ['id', 'type', 'status', 'call_id', 'name', 'arguments'],
      properties: {
        id: { type: 'string', pattern: '^fc_' },
        type: { const: 'function_call' },
        status: itemStatus,
        call_id: { type: 'string' },
        name: { type: 'string' },
        arguments: { type: 'string', description: 'JSON, as the model wrote it; it may be none.' },
      },
      additionalProperties: false,
    },
  ],
}

const usage = {
  type: ['object', 'null'],
  description: 'As the engine counted; null before the end, and where it counts nothing.',
  required: ['input_tokens', 'input_tokens_details', 'output_tokens', 'output_tokens_details', 'total_tokens'],
  properties: {
    input_tokens: count,
    input_tokens_details: {
      type: 'object',
      required: ['cached_tokens', 'cache_write_tokens'],
      properties: { cached_tokens: count, cache_write_tokens: count },
    },
    output_tokens: count,
    output_tokens_details: {
      type: 'object',
      required: ['reasoning_tokens'],
      properties: { reasoning_tokens: count },
    },
    total_tokens: count,
  },
}

const responseProperties = {
  id: { type: 'string', pattern: '^resp_[0-9a-f]{32}$' },
  object: { const: 'response' },
  created_at: { type: 'integer', description: 'Unix time in seconds.' },
  completed_at: { type: ['integer', 'null'] },
  status: { enum: ['queued', 'in_progress', 'completed', 'incomplete', 'failed', 'cancelled'] },
  error: {
    type: ['object', 'null'],
    required: ['code', 'message'],
    properties: {
      code: { enum: ['server_error', 'rate_limit_exceeded', 'invalid_prompt', 'context_length_exceeded'] },
      message: { type: 'string' },
    },
  },
  incomplete_details: {
    type: ['object', 'null'],
    required: ['reason'],
    properties: { reason: { enum: ['max_output_tokens', 'content_filter'] } },
  },
  model: { type: 'string', description: 'Who answers, as backend/model.' },
  output: { type: 'array', items: outputItem },
  background: { type: 'boolean' },
  instructions: textOrNull,
  max_output_tokens: { type: ['integer', 'null'] },
  metadata: { type: 'object', additionalProperties: { type: 'string' } },
  parallel_tool_calls: { type: 'boolean' },
  previous_response_id: textOrNull,
  reasoning: { type: 'object', properties: { effort: textOrNull, summary: textOrNull } },
  store: { type: 'boolean' },
  temperature: { type: 'number', description: 'As asked; 1 where nothing was.' },
  text: { type: 'object', required: ['format'], properties: { format: { type: 'object', required: ['type'] } } },
  tool_choice: { type: ['string', 'object'] },
  tools: { type: 'array', items: { type: 'object', required: ['type', 'name', 'parameters'] } },
  top_logprobs: count,
  top_p: { type: 'number', description: 'As asked; 1 where nothing was.' },
  presence_penalty: { const: 0 },
  frequency_penalty: { const: 0 },
  max_tool_calls: { type: 'null' },
  safety_identifier: { type: 'null' },
  prompt_cache_key: { type: 'null' },
  service_tier: { const: 'default' },
  truncation: { const: 'disabled' },
  usage,
}

export const responseSchema: JsonSchema = {
  type: 'object',
  required: Object.keys(responseProperties),
  properties: responseProperties,
  additionalProperties: false,
}

const event = (types: string[], properties: Readonly<Record<string, unknown>>) => ({
  type: 'object',
  required: ['type', 'sequence_number', ...Object.keys(properties)],
  properties: { type: { enum: types }, sequence_number: count, ...properties },
  additionalProperties: false,
})

const ofItem = { item_id: { type: 'string' }, output_index: count }
const ofContent = { ...ofItem, content_index: count }
const ofSummary = { ...ofItem, summary_index: count }
const text = { type: 'string' }

/** The data of one event. */
export const eventSchema: JsonSchema = {
  anyOf: [
    event(
      ['created', 'queued', 'in_progress', 'completed', 'incomplete', 'failed'].map((name) => `response.${name}`),
      { response: responseSchema },
    ),
    event(['response.output_item.added', 'response.output_item.done'], { output_index: count, item: outputItem }),
    event(['response.content_part.added', 'response.content_part.done'], {
      ...ofContent,
      part: { anyOf: [textPart, thought('reasoning_text')] },
    }),
    event(['response.output_text.delta'], { ...ofContent, delta: text, logprobs }),
    event(['response.output_text.done'], { ...ofContent, text, logprobs }),
    event(['response.reasoning_text.delta'], { ...ofContent, delta: text }),
    event(['response.reasoning_text.done'], { ...ofContent, text }),
    event(['response.reasoning_summary_part.added', 'response.reasoning_summary_part.done'], {
      ...ofSummary,
      part: thought('summary_text'),
    }),
    event(['response.reasoning_summary_text.delta'], { ...ofSummary, delta: text }),
    event(['response.reasoning_summary_text.done'], { ...ofSummary, text }),
    event(['response.function_call_arguments.delta'], { ...ofItem, delta: text }),
    event(['response.function_call_arguments.done'], { ...ofItem, name: text, arguments: text }),
  ],
}

export const deletedSchema: JsonSchema = {
  type: 'object',
  required: ['id', 'object', 'deleted'],
  properties: { id: { type: 'string' }, object: { const: 'response' }, deleted: { const: true } },
  additionalProperties: false,
}

export const inputItemsSchema: JsonSchema = {
  type: 'object',
  required: ['object', 'data', 'first_id', 'last_id', 'has_more'],
  properties: {
    object: { const: 'list' },
    data: {
      type: 'array',
      items: {
        type: 'object',
        required: ['id', 'type'],
        properties: { id: { type: 'string' }, type: { type: 'string' } },
      },
    },
    first_id: textOrNull,
    last_id: textOrNull,
    has_more: { type: 'boolean' },
  },
  additionalProperties: false,
}

export const inputTokensSchema: JsonSchema = {
  type: 'object',
  required: ['object', 'input_tokens'],
  properties: { object: { const: 'response.input_tokens' }, input_tokens: count },
  additionalProperties: false,
}
