import type { Ask } from '../../answer/index.ts'
import {
  anything,
  boolean,
  described,
  integer,
  lenient,
  nonEmptyString,
  object,
  oneOf,
  type Parser,
  parser,
  type Read,
  string,
  tagged,
} from '../../parse/fields.ts'
import { type LeftOut, notingLeftOut, only } from '../../parse/left-out.ts'
import { noBias, settingFields, toOptions } from '../settings.ts'
import { messages } from './messages.ts'
import { checkChoice, toolChoice, tools } from './tools.ts'

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
  user: { why: 'who asks is known by the key' },
  safety_identifier: { why: 'who asks is known by the key' },
  metadata: { why: 'nothing is stored under it' },
  store: { why: 'the header x-lmapp-history says what is kept', unless: (value) => value === false },
  service_tier: { why: 'there is one tier', unless: (value) => value === 'auto' || value === 'default' },
  prompt_cache_key: { why: 'engines know their caches by themselves' },
  prompt_cache_retention: { why: 'engines know their caches by themselves' },
  prediction: { why: 'no backend takes one' },
  verbosity: { why: 'no backend knows it' },
  parallel_tool_calls: { why: 'how many tools are called is up to the model', unless: (value) => value === true },
}

const fields = {
  model: described(
    'An alias, backend/model, or a name. Absent: the configured one, else what is found.',
    nonEmptyString,
  ),
  stream: boolean,
  stream_options: lenient({}, { include_usage: boolean }),
  ...settingFields,
  max_completion_tokens: settingFields.max_tokens,
  logprobs: boolean,
  top_logprobs: integer(0, 20),
  tools,
  tool_choice: toolChoice,
  response_format: responseFormat,
  reasoning_effort: oneOf('none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'),
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
      ...tellEffort(request),
    ],
    stream: request.stream ?? false,
    includeUsage: request.stream_options?.include_usage ?? false,
  }
})

function toAsk(request: Body): Ask {
  const { model, tools: given, top_logprobs: likeliest = 0, logprobs = likeliest > 0 } = request
  const choice = checkChoice(request.tool_choice, given?.tools ?? [])
  const schema = toSchema(request.response_format)
  const reasoning = request.reasoning_effort && efforts[request.reasoning_effort]
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

const efforts = {
  none: false,
  minimal: 'low',
  low: 'low',
  medium: 'medium',
  high: 'high',
  xhigh: 'high',
  max: 'high',
} as const

function tellEffort({ reasoning_effort: effort }: Body): string[] {
  if (effort !== 'xhigh' && effort !== 'max') return []
  return [`"reasoning_effort" is taken for "high": there is nothing above it.`]
}

function toSchema(format: Body['response_format']): Record<string, unknown> | undefined {
  if (format?.type === 'json_object') return { type: 'object' }
  return format?.type === 'json_schema' ? (format.json_schema.schema ?? { type: 'object' }) : undefined
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0
}
