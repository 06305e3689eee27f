import type { ChatOptions } from 'lmapp-kit'
import type { FieldNames } from '../answer/index.ts'
import {
  badField,
  byKind,
  described,
  integer,
  lenient,
  listOf,
  nonEmptyString,
  number,
  numberIn,
  object,
  oneOf,
  type Parser,
  parser,
  type Read,
  string,
} from '../parse/fields.ts'
import { type LeftOut, only } from '../parse/left-out.ts'

export const modelField = described(
  'An alias, backend/model, or a name. Absent: the configured one, else what is found.',
  nonEmptyString,
)

/** Why nothing changes by what clients add to requests of more than one route. */
export const commonLeftOut: LeftOut = {
  user: { why: 'who asks is known by the key' },
  safety_identifier: { why: 'who asks is known by the key' },
  service_tier: { why: 'there is one tier', unless: (value) => value === 'auto' || value === 'default' },
  prompt_cache_key: { why: 'engines know their caches by themselves' },
  prompt_cache_retention: { why: 'engines know their caches by themselves' },
  parallel_tool_calls: { why: 'how many tools are called is up to the model', unless: (value) => value === true },
}

/** Some clients write -1 for: as many as it takes. */
const tokenBound: Parser<number | undefined> = parser(
  {
    type: 'integer',
    anyOf: [{ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }, { const: -1 }],
    description: 'Of generated tokens; -1: no bound.',
  },
  (value, place) => {
    if (value === -1) return undefined
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 1) return value
    throw badField(place, 'a whole number of at least 1')
  },
)

export const noBias = only(
  { type: 'object', maxProperties: 0 },
  (value) => Object.keys(object(value, 'logit_bias')).length === 0,
  'no backend takes a bias for tokens',
)

/** Those of `/v1/chat/completions` and `/v1/completions`, and what clients of llama.cpp, vLLM and Ollama add. */
export const settingFields = {
  temperature: numberIn(0, 2),
  top_p: numberIn(0, 1),
  max_tokens: tokenBound,
  stop: described('The answer ends before the first of these.', byKind({ string, array: listOf(string) })),
  seed: integer(Number.MIN_SAFE_INTEGER),
  presence_penalty: numberIn(-2, 2),
  frequency_penalty: numberIn(-2, 2),
  top_k: described('-1 and 0: no bound.', integer(-1)),
  min_p: numberIn(0, 1),
  repeat_penalty: number,
  repetition_penalty: described('Another name of `repeat_penalty`.', number),
}

const settings = lenient({}, settingFields)
type Settings = Read<typeof settings>

/** Of lmapp's settings, what they are called here. */
export const fieldNames: FieldNames = {
  images: 'messages',
  'options.temperature': 'temperature',
  'options.topP': 'top_p',
  'options.topK': 'top_k',
  'options.minP': 'min_p',
  'options.repeatPenalty': 'repeat_penalty',
  'options.presencePenalty': 'presence_penalty',
  'options.frequencyPenalty': 'frequency_penalty',
  'options.seed': 'seed',
  'options.maxTokens': 'max_tokens',
  'options.stop': 'stop',
  'options.logprobs': 'logprobs',
  tools: 'tools',
  toolChoice: 'tool_choice',
  schema: 'response_format',
  reasoning: 'reasoning_effort',
}

export function toOptions(given: Settings): ChatOptions {
  const stop = (typeof given.stop === 'string' ? [given.stop] : (given.stop ?? [])).filter((text) => text !== '')
  return withoutUndefined<ChatOptions>({
    temperature: given.temperature,
    topP: given.top_p,
    topK: given.top_k === undefined ? undefined : Math.max(0, given.top_k),
    minP: given.min_p,
    repeatPenalty: given.repeat_penalty ?? given.repetition_penalty,
    presencePenalty: given.presence_penalty,
    frequencyPenalty: given.frequency_penalty,
    seed: given.seed,
    maxTokens: given.max_tokens,
    stop: stop.length > 0 ? stop : undefined,
  })
}

export const effortField = oneOf('none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max')
type Effort = Read<typeof effortField>

const efforts = {
  none: false,
  minimal: 'low',
  low: 'low',
  medium: 'medium',
  high: 'high',
  xhigh: 'high',
  max: 'high',
} as const

export function toReasoning(effort: Effort | undefined): false | 'low' | 'medium' | 'high' | undefined {
  return effort && efforts[effort]
}

/** What of the effort was left out, for people. `place`: where it stood. */
export function tellEffort(effort: Effort | undefined, place: string): string[] {
  if (effort !== 'xhigh' && effort !== 'max') return []
  return [`"${place}" is taken for "high": there is nothing above it.`]
}

function withoutUndefined<T extends object>(values: { [key in keyof T]: T[key] | undefined }): T {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as T
}
