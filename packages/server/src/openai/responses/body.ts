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
import { type LeftOut, notingLeftOut, only } from '../../parse/left-out.ts'
import { commonLeftOut, effortField, modelField, settingFields } from '../settings.ts'
import { input } from './input.ts'
import { toolChoice, tools } from './tools.ts'

/** How the answer is written. */
const format = tagged('type', {
  text: lenient({}, {}),
  json_object: lenient({}, {}),
  json_schema: lenient({}, { name: string, description: string, schema: object, strict: boolean }),
})
const summaryStyle = oneOf('auto', 'concise', 'detailed')
const reasoning = lenient(
  {},
  {
    effort: effortField,
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
  model: modelField,
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
  ...commonLeftOut,
  stream_options: { why: 'there is nothing to choose' },
  max_tool_calls: { why: 'no tools are run here' },
  context_management: { why: 'a prompt that is too long is refused, never cut' },
  moderation: { why: 'nothing is moderated here' },
  truncation: { why: 'a prompt that is too long is refused, never cut', unless: (value) => value === 'disabled' },
  prompt_cache_options: { why: 'engines know their caches by themselves' },
}

/** The body of `POST /v1/responses`. */
export const body = notingLeftOut(lenient({ input }, fields), leftOut)
export type Body = Read<typeof body>
export type Format = Read<typeof format> | undefined
