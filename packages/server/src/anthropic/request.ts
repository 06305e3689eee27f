import {
  anything,
  boolean,
  byKind,
  described,
  integer,
  lenient,
  listOf,
  nonEmptyString,
  numberIn,
  object,
  oneOf,
  type Parser,
  parser,
  type Read,
  string,
  tagged,
  unknownFields,
} from '../parse/fields.ts'
import { messageParam, textContent } from './blocks.ts'
import { jsonObject } from './json-object.ts'

/** The bodies of the two routes. */

const functionTool = lenient(
  { name: nonEmptyString, input_schema: described('JSON Schema of the arguments.', jsonObject) },
  { type: oneOf('custom'), description: string, strict: boolean, defer_loading: boolean, input_examples: anything },
)
const notCustom = parser({ type: 'string', minLength: 1, not: { const: 'custom' } }, nonEmptyString)
const providerTool = described(
  'A tool that the provider runs or defines, as `web_search_…` and `bash_…`. Left out.',
  lenient({ type: notCustom }, { name: string }),
)
type FunctionTool = Read<typeof functionTool> & { kind: 'function' }
type ProviderTool = Read<typeof providerTool> & { kind: 'provider' }

const tool: Parser<FunctionTool | ProviderTool> = parser(
  { anyOf: [functionTool.schema, providerTool.schema] },
  (value, place) => {
    const { type } = object(value, place)
    return type === undefined || type === null || type === 'custom'
      ? { kind: 'function', ...functionTool(value, place) }
      : { kind: 'provider', ...providerTool(value, place) }
  },
)

const oneAtATime = { disable_parallel_tool_use: boolean }
const toolChoice = tagged('type', {
  auto: lenient({}, oneAtATime),
  any: lenient({}, oneAtATime),
  tool: lenient({ name: nonEmptyString }, oneAtATime),
  none: lenient({}, {}),
})

const shown = { display: oneOf('summarized', 'omitted') }
const thinking = tagged('type', {
  enabled: lenient({}, { budget_tokens: integer(1), ...shown }),
  adaptive: lenient({}, shown),
  between_tools: lenient({}, {}),
  disabled: lenient({}, {}),
})

const outputFormat = tagged('type', { json_schema: lenient({ schema: jsonObject }, {}) })
const outputConfig = lenient({}, { effort: oneOf('low', 'medium', 'high', 'xhigh', 'max'), format: outputFormat })

const model = described('Model reference or alias, as in `GET /v1/models`.', nonEmptyString)
const conversation = { model, messages: listOf(messageParam, { least: 1 }) }
/** Fields of both bodies. */
const shaping = {
  system: textContent,
  tools: listOf(tool),
  tool_choice: toolChoice,
  thinking,
  output_config: outputConfig,
  output_format: described('As `output_config.format`, under its earlier name.', outputFormat),
  cache_control: described('Engines cache by themselves.', anything),
}

const messagesShape = lenient(
  { ...conversation, max_tokens: described('Upper bound of generated tokens.', integer(1)) },
  {
    ...shaping,
    stream: boolean,
    temperature: numberIn(0, 2),
    top_p: numberIn(0, 1),
    top_k: integer(0),
    stop_sequences: listOf(nonEmptyString),
    metadata: described('Left out.', anything),
    service_tier: described('Left out.', anything),
    context_management: described('Left out: a prompt that is too long is refused, never cut.', anything),
    container: described('Refused: nothing is run here.', anything),
    mcp_servers: described('Refused unless it is empty: nothing is run here.', byKind({ array: listOf(anything) })),
  },
)

/** `unknown`: names of fields that nobody here knows. */
export type MessagesBody = Read<typeof messagesShape> & { unknown: string[] }

export const messagesBody: Parser<MessagesBody> = parser(messagesShape.schema, (value, place) => ({
  ...messagesShape(value, place),
  unknown: unknownFields(messagesShape, value),
}))

/** Other fields are of no weight here. */
export const countBody = lenient(conversation, shaping)

export type CountBody = Read<typeof countBody>
export type Tools = NonNullable<CountBody['tools']>
