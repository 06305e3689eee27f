import type { Ask, FieldNames } from '../../answer/index.ts'
import {
  anything,
  badField,
  boolean,
  described,
  integer,
  lenient,
  listOf,
  nonEmptyString,
  object,
  oneOf,
  type Parser,
  parser,
  type Read,
  string,
  tagged,
} from '../../parse/fields.ts'
import { type LeftOut, notingLeftOut, only } from '../left-out.ts'
import { settingFields, toOptions } from '../settings.ts'
import { type InputItem, input } from './input.ts'
import { toolChoice, tools, toToolUse } from './tools.ts'

/** What lmapp's settings are called here. */
export const fieldNames: FieldNames = {
  'options.temperature': 'temperature',
  'options.topP': 'top_p',
  'options.maxTokens': 'max_output_tokens',
  'options.logprobs': 'top_logprobs',
  tools: 'tools',
  toolChoice: 'tool_choice',
  schema: 'text.format',
  reasoning: 'reasoning',
}

const format = tagged('type', {
  text: lenient({}, {}),
  json_object: lenient({}, {}),
  json_schema: lenient({}, { name: string, description: string, schema: object, strict: boolean }),
})
const summaryStyle = oneOf('auto', 'concise', 'detailed')
const reasoning = lenient(
  {},
  {
    effort: oneOf('none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'),
    summary: described('With it, thoughts come as the summary; without it, as what they are.', summaryStyle),
    generate_summary: described('Another name of `summary`.', summaryStyle),
  },
)

const mostPairs = 16
const longestValue = 512
const metadata: Parser<Record<string, string>> = parser(
  {
    type: 'object',
    maxProperties: mostPairs,
    propertyNames: { maxLength: 64 },
    additionalProperties: { type: 'string', maxLength: longestValue },
    description: 'Shown again with the response.',
  },
  (value, place) => {
    const pairs = Object.entries(object(value, place))
    const isShort = pairs.every(
      ([key, text]) => [...key].length <= 64 && typeof text === 'string' && [...text].length <= longestValue,
    )
    if (isShort && pairs.length <= mostPairs) return value as Record<string, string>
    throw badField(place, 'an object of at most 16 short strings')
  },
)

/** What is answered, and how it is asked for; that of `POST /v1/responses/input_tokens` too. */
export const promptFields = {
  model: described(
    'An alias, backend/model, or a name. Absent: the configured one, else what is found.',
    nonEmptyString,
  ),
  instructions: described('The system prompt of this answer alone: later ones do not inherit it.', string),
  previous_response_id: described(
    'The conversation of this response goes on; its instructions do not.',
    nonEmptyString,
  ),
  tools,
  tool_choice: toolChoice,
  reasoning,
  text: lenient({}, { format, verbosity: oneOf('low', 'medium', 'high') }),
  parallel_tool_calls: boolean,
  truncation: oneOf('auto', 'disabled'),
  conversation: only({ type: 'null' }, () => false, 'no conversations are kept; give "previous_response_id" instead'),
}

const fields = {
  ...promptFields,
  prompt: only({ type: 'null' }, () => false, 'no templates are kept here; give "input" and "instructions" instead'),
  stream: boolean,
  stream_options: object,
  background: described('It is written whether or not anybody waits for it, and can be polled.', boolean),
  store: described('Whether it can be retrieved and gone on with; default true.', boolean),
  max_output_tokens: settingFields.max_tokens,
  temperature: settingFields.temperature,
  top_p: settingFields.top_p,
  top_logprobs: integer(0, 20),
  include: listOf(string),
  metadata,
  max_tool_calls: integer(1),
  context_management: anything,
  moderation: anything,
  user: string,
  safety_identifier: string,
  service_tier: string,
  prompt_cache_key: string,
  prompt_cache_retention: string,
  prompt_cache_options: anything,
}

const leftOut: LeftOut = {
  stream_options: { why: 'there is nothing to choose' },
  max_tool_calls: { why: 'no tools are run here' },
  context_management: { why: 'a prompt that is too long is refused, never cut' },
  moderation: { why: 'nothing is moderated here' },
  truncation: { why: 'a prompt that is too long is refused, never cut', unless: (value) => value === 'disabled' },
  parallel_tool_calls: { why: 'how many tools are called is up to the model', unless: (value) => value === true },
  user: { why: 'who asks is known by the key' },
  safety_identifier: { why: 'who asks is known by the key' },
  service_tier: { why: 'there is one tier', unless: (value) => value === 'auto' || value === 'default' },
  prompt_cache_key: { why: 'engines know their caches by themselves' },
  prompt_cache_retention: { why: 'engines know their caches by themselves' },
  prompt_cache_options: { why: 'engines know their caches by themselves' },
}

const body = notingLeftOut(lenient({ input }, fields), leftOut)
type Body = Read<typeof body>

/** What of a request is shown again in its response. */
export interface Echo {
  background: boolean
  instructions: string | null
  max_output_tokens: number | null
  metadata: Record<string, string>
  parallel_tool_calls: boolean
  previous_response_id: string | null
  reasoning: { effort: string | null; summary: string | null }
  store: boolean
  temperature: number | null
  text: { format: object }
  tool_choice: unknown
  tools: object[]
  top_logprobs: number
  top_p: number | null
}

export interface ResponseRequest {
  items: InputItem[]
  ask: Omit<Ask, 'messages'>
  echo: Echo
  stream: boolean
  /** Thoughts are told as their summary. */
  summary: boolean
  /** What was left out of the request, for people. */
  ignored: string[]
}

/** The body of `POST /v1/responses`. */
export const responseRequest: Parser<ResponseRequest> = parser(body.schema, (value, place) => {
  const request = body(value, place)
  const { background = false, store = true, include = [] } = request
  if (background && !store) throw badField('store', 'true where "background" is')
  const logprobs = include.includes(includedLogprobs) || (request.top_logprobs ?? 0) > 0
  return {
    items: request.input.items,
    ask: toAsk(request, logprobs),
    echo: toEcho(request),
    stream: request.stream ?? false,
    summary: toSummaryStyle(request) !== null,
    ignored: [
      ...request.ignored,
      ...request.input.ignored,
      ...(request.tools?.ignored ?? []),
      ...tellIncluded(include),
      ...tellEffort(request),
      ...(request.text?.verbosity ? ['"text.verbosity" is ignored: no backend knows it.'] : []),
    ],
  }
})

function toAsk(request: Body, logprobs: boolean): ResponseRequest['ask'] {
  const { model, temperature, top_p, max_output_tokens, text, reasoning: wish } = request
  const schema = toSchema(text?.format)
  const effort = wish?.effort && efforts[wish.effort]
  const settings = {
    ...(temperature !== undefined && { temperature }),
    ...(top_p !== undefined && { top_p }),
    ...(max_output_tokens !== undefined && { max_tokens: max_output_tokens }),
  }
  return {
    options: { ...toOptions(settings), ...(logprobs && { logprobs: request.top_logprobs ?? 0 }) },
    ...(model !== undefined && { model }),
    ...toToolUse(request.tools ?? { definitions: [] }, request.tool_choice),
    ...(schema && { schema }),
    ...(effort !== undefined && { reasoning: effort }),
  }
}

function toEcho(request: Body): Echo {
  return {
    background: request.background ?? false,
    instructions: request.instructions ?? null,
    max_output_tokens: request.max_output_tokens ?? null,
    metadata: request.metadata ?? {},
    parallel_tool_calls: request.parallel_tool_calls ?? true,
    previous_response_id: request.previous_response_id ?? null,
    reasoning: { effort: request.reasoning?.effort ?? null, summary: toSummaryStyle(request) },
    store: request.store ?? true,
    temperature: request.temperature ?? null,
    text: { format: toShownFormat(request.text?.format) },
    tool_choice: request.tool_choice?.wire ?? 'auto',
    tools: request.tools?.wire ?? [],
    top_logprobs: request.top_logprobs ?? 0,
    top_p: request.top_p ?? null,
  }
}

function toSummaryStyle({ reasoning: wish }: Body): string | null {
  return wish?.summary ?? wish?.generate_summary ?? null
}

type Format = Read<typeof format> | undefined

function toSchema(given: Format): Record<string, unknown> | undefined {
  if (given?.type === 'json_object') return { type: 'object' }
  return given?.type === 'json_schema' ? (given.schema ?? { type: 'object' }) : undefined
}

function toShownFormat(given: Format): object {
  if (given?.type !== 'json_schema') return { type: given?.type ?? 'text' }
  const { type, name = 'answer', description, schema = { type: 'object' }, strict } = given
  return { type, name, ...(description !== undefined && { description }), schema, strict: strict ?? null }
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

function tellEffort({ reasoning: wish }: Body): string[] {
  if (wish?.effort !== 'xhigh' && wish?.effort !== 'max') return []
  return ['"reasoning.effort" is taken for "high": there is nothing above it.']
}

const includedLogprobs = 'message.output_text.logprobs'

function tellIncluded(include: readonly string[]): string[] {
  return include
    .filter((name) => name !== includedLogprobs)
    .map((name) => `"${name.slice(0, 60)}" is not included: nothing like it is made here.`)
}
