import type { Ask } from '../../answer/index.ts'
import {
  badField,
  boolean,
  described,
  integer,
  lenient,
  nonEmptyString,
  type Parser,
  parser,
  string,
} from '../../parse/fields.ts'
import { notingLeftOut, only, unsupportedField } from '../../parse/left-out.ts'
import { commonLeftOut, modelField, noBias, settingFields, toOptions } from '../settings.ts'

const prompt: Parser<string> = parser(
  {
    anyOf: [nonEmptyString.schema, { type: 'array', items: nonEmptyString.schema, minItems: 1, maxItems: 1 }],
    description: 'One text.',
  },
  (value, place) => {
    if (!Array.isArray(value)) return nonEmptyString(value, place)
    const [first] = value
    if (typeof first === 'number' || Array.isArray(first)) {
      throw unsupportedField(place, 'a prompt is text here: every model has tokens of its own')
    }
    if (value.length > 1) throw unsupportedField(place, 'there may be one prompt in a request')
    if (value.length === 0) throw badField(place, 'a string, or a list of one')
    return nonEmptyString(first, `${place}[0]`)
  },
)

const isOne = (value: unknown) => value === 1

const fields = {
  model: modelField,
  stream: boolean,
  stream_options: lenient({}, { include_usage: boolean }),
  ...settingFields,
  logprobs: described('How many likely tokens are told beside each.', integer(0, 20)),
  n: only({ type: 'integer', const: 1 }, isOne, 'one answer is written at a time'),
  best_of: only({ type: 'integer', const: 1 }, isOne, 'one answer is written at a time'),
  echo: only({ type: 'boolean', const: false }, (value) => value === false, 'the prompt is not given back'),
  suffix: only({ type: 'string', maxLength: 0 }, (value) => value === '', 'nothing is filled in between two texts'),
  logit_bias: noBias,
  user: string,
}

const body = notingLeftOut(lenient({ prompt }, fields), commonLeftOut)

export interface CompletionRequest {
  ask: Ask
  /** What was left out of the request, for people. */
  ignored: string[]
  stream: boolean
  includeUsage: boolean
}

const applied = 'The prompt was put into the chat template of the model, and what it thinks is not told.'

/** The body of `POST /v1/completions`. No backend of the contract reads a prompt as it is, so it is a user's message. */
export const completionRequest: Parser<CompletionRequest> = parser(body.schema, (value, place) => {
  const request = body(value, place)
  const { model, logprobs } = request
  return {
    ask: {
      messages: [{ role: 'user', content: [{ type: 'text', text: request.prompt }] }],
      options: { ...toOptions(request), ...(logprobs !== undefined && { logprobs }) },
      ...(model !== undefined && { model }),
    },
    ignored: [applied, ...request.ignored],
    stream: request.stream ?? false,
    includeUsage: request.stream_options?.include_usage ?? false,
  }
})
