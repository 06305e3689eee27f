import type { Ask } from '../../answer/index.ts'
import {
  anything,
  boolean,
  integer,
  lenient,
  object,
  type Parser,
  parser,
  type Read,
  string,
  tagged,
} from '../../parse/fields.ts'
import { type LeftOut, notingLeftOut, only } from '../../parse/left-out.ts'
import { checkChoice } from '../functions.ts'
import {
  commonLeftOut,
  effortField,
  modelField,
  noBias,
  settingFields,
  tellEffort,
  toOptions,
  toReasoning,
} from '../settings.ts'
import { messages } from './messages.ts'
import { toolChoice, tools } from './tools.ts'

const responseFormat = tagged('type', {
  text: lenient({}, {}),
  json_object: lenient({}, {}),
  json_schema: lenient(
    { json_schema: lenient({}, { name: string, description: string, schema: object, strict: boolean }) },
    {},
  ),
})

const refused = {
  n: only({ type: 'integer', const: 1 }, (value) => value === 1, 'one answer is written at a time'),
  logit_bias: noBias,
  modalities: only(
    { type: 'array', items: { type: 'string', const: 'text' } },
    (value) => Array.isArray(value) && value.every((item) => item === 'text'),
    'answers are text',
  ),
  audio: only({ type: 'null' }, () => false, 'answers are text'),
  web_search_options: only({ type: 'null' }, () => false, 'nothing is searched'),
  functions: only({ type: 'array', maxItems: 0 }, isEmptyList, 'give "tools" instead'),
  function_call: only(
    { type: 'string', enum: ['auto', 'none'] },
    (value) => value === 'auto' || value === 'none',
    'give "tool_choice" instead',
  ),
}

const leftOut: LeftOut = {
  ...commonLeftOut,
  metadata: { why: 'nothing is stored under it' },
  store: { why: 'the header x-lmapp-history says what is kept', unless: (value) => value === false },
  prediction: { why: 'no backend takes one' },
  verbosity: { why: 'no backend knows it' },
}

const fields = {
  model: modelField,
  stream: boolean,
  stream_options: lenient({}, { include_usage: boolean }),
  ...settingFields,
  max_completion_tokens: settingFields.max_tokens,
  logprobs: boolean,
  top_logprobs: integer(0, 20),
  tools,
  tool_choice: toolChoice,
  response_format: responseFormat,
  reasoning_effort: effortField,
  ...refused,
  user: string,
  safety_identifier: string,
  metadata: object,
  store: boolean,
  service_tier: string,
  prompt_cache_key: string,
  prompt_cache_retention: string,
  prediction: anything,
  verbosity: string,
  parallel_tool_calls: boolean,
}

const body = notingLeftOut(lenient({ messages }, fields), leftOut)
type Body = Read<typeof body>

export interface ChatRequest {
  ask: Ask
  /** What was left out of the request, for people. */
  ignored: string[]
  stream: boolean
  includeUsage: boolean
}

/** The body of `POST /v1/chat/completions`. */
export const chatRequest: Parser<ChatRequest> = parser(body.schema, (value, place) => {
  const request = body(value, place)
  return {
    ask: toAsk(request),
    ignored: [
      ...request.ignored,
      ...request.messages.ignored,
      ...(request.tools?.ignored ?? []),
      ...tellEffort(request.reasoning_effort, 'reasoning_effort'),
    ],
    stream: request.stream ?? false,
    includeUsage: request.stream_options?.include_usage ?? false,
  }
})

function toAsk(request: Body): Ask {
  const { model, tools: given, top_logprobs: likeliest = 0, logprobs = likeliest > 0 } = request
  const choice = checkChoice(request.tool_choice, given?.tools ?? [])
  const schema = toSchema(request.response_format)
  const reasoning = toReasoning(request.reasoning_effort)
  const { max_completion_tokens: bound = request.max_tokens } = request
  const options = {
    ...toOptions(request),
    ...(bound !== undefined && { maxTokens: bound }),
    ...(logprobs && { logprobs: likeliest }),
  }
  return {
    messages: request.messages.messages,
    options,
    ...(model !== undefined && { model }),
    ...(given && given.tools.length > 0 && { tools: given.tools }),
    ...(choice !== undefined && { toolChoice: choice }),
    ...(schema && { schema }),
    ...(reasoning !== undefined && { reasoning }),
  }
}

function toSchema(format: Body['response_format']): Record<string, unknown> | undefined {
  if (format?.type === 'json_object') return { type: 'object' }
  return format?.type === 'json_schema' ? (format.json_schema.schema ?? { type: 'object' }) : undefined
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0
}
