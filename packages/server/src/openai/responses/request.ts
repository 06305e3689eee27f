import type { Ask, FieldNames } from '../../answer/index.ts'
import { badField, type Parser, parser } from '../../parse/fields.ts'
import { tellEffort, toOptions, toReasoning } from '../settings.ts'
import { type Body, body, type Format } from './body.ts'
import type { InputItem } from './input.ts'
import { toToolUse } from './tools.ts'

/** What lmapp's settings are called here. */
export const fieldNames: FieldNames = {
  images: 'input',
  'options.temperature': 'temperature',
  'options.topP': 'top_p',
  'options.maxTokens': 'max_output_tokens',
  'options.logprobs': 'top_logprobs',
  tools: 'tools',
  toolChoice: 'tool_choice',
  schema: 'text.format',
  reasoning: 'reasoning',
}

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
  temperature: number
  text: { format: object }
  tool_choice: unknown
  tools: object[]
  top_logprobs: number
  top_p: number
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
      ...tellEffort(request.reasoning?.effort, 'reasoning.effort'),
      ...(request.text?.verbosity ? ['"text.verbosity" is ignored: no backend knows it.'] : []),
    ],
  }
})

function toAsk(request: Body, logprobs: boolean): ResponseRequest['ask'] {
  const { model, temperature, top_p, max_output_tokens, text, reasoning: wish } = request
  const schema = toSchema(text?.format)
  const effort = toReasoning(wish?.effort)
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
    temperature: request.temperature ?? 1,
    text: { format: toShownFormat(request.text?.format) },
    tool_choice: request.tool_choice?.wire ?? 'auto',
    tools: request.tools?.wire ?? [],
    top_logprobs: request.top_logprobs ?? 0,
    top_p: request.top_p ?? 1,
  }
}

function toSummaryStyle({ reasoning: wish }: Body): string | null {
  return wish?.summary ?? wish?.generate_summary ?? null
}

function toSchema(given: Format): Record<string, unknown> | undefined {
  if (given?.type === 'json_object') return { type: 'object' }
  return given?.type === 'json_schema' ? (given.schema ?? { type: 'object' }) : undefined
}

function toShownFormat(given: Format): object {
  if (given?.type !== 'json_schema') return { type: given?.type ?? 'text' }
  const { type, name = 'answer', description, schema = { type: 'object' }, strict } = given
  return { type, name, ...(description !== undefined && { description }), schema, strict: strict ?? null }
}

const includedLogprobs = 'message.output_text.logprobs'

function tellIncluded(include: readonly string[]): string[] {
  return include
    .filter((name) => name !== includedLogprobs)
    .map((name) => `"${name.slice(0, 60)}" is not included: nothing like it is made here.`)
}
