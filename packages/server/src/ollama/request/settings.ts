import type { ChatOptions } from 'lmapp-kit'
import type { Ask, FieldNames } from '../../answer/index.ts'
import {
  anything,
  boolean,
  byKind,
  described,
  integer,
  type JsonSchema,
  lenient,
  listOf,
  number,
  object,
  oneOf,
  type Read,
  string,
} from '../../parse/fields.ts'
import { type LeftOut, notingLeftOut } from '../../parse/left-out.ts'
import { keepAlive } from './keep-alive.ts'

const anyInteger = integer(Number.MIN_SAFE_INTEGER)
const engineOptions = ['num_batch', 'num_gpu', 'main_gpu', 'num_thread', 'use_mmap', 'use_mlock', 'low_vram', 'numa']
const otherOptions = ['num_keep', 'repeat_last_n', 'typical_p', 'tfs_z', 'mirostat', 'mirostat_eta', 'mirostat_tau']
const toFields = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, anything]))
const toLeftOut = (names: readonly string[], why: string) => Object.fromEntries(names.map((name) => [name, { why }]))

/** Of a request, as of a Modelfile. */
export const options = notingLeftOut(
  lenient(
    {},
    {
      temperature: number,
      top_p: number,
      top_k: described('-1 and 0: no bound.', integer(-1)),
      min_p: number,
      repeat_penalty: number,
      presence_penalty: number,
      frequency_penalty: number,
      seed: described('-1: another one each time.', anyInteger),
      num_predict: described('Bound of generated tokens; -1 and -2: none.', anyInteger),
      num_ctx: described('Tokens of prompt and answer together; 0: enough for them.', anyInteger),
      stop: described('The answer ends before the first of these.', byKind({ string, array: listOf(string) })),
      ...toFields([...engineOptions, ...otherOptions]),
    },
  ),
  {
    ...toLeftOut(engineOptions, 'how an engine runs a model is a setting of its backend'),
    ...toLeftOut(otherOptions, 'lmapp has no such setting'),
  },
)
type Options = Read<typeof options>

/** Those that `/api/chat` and `/api/generate` share. */
export const settingFields = {
  stream: described('Default true.', boolean),
  format: described('`json`, or a JSON Schema of the answer.', byKind({ string: oneOf('json', ''), object })),
  options,
  keep_alive: keepAlive,
  think: described(
    'Whether the model reasons first, and how much; `max` is as much as `high`.',
    byKind({ boolean, string: oneOf('low', 'medium', 'high', 'max') }),
  ),
  logprobs: boolean,
  top_logprobs: integer(0, 20),
  truncate: boolean,
  shift: boolean,
}
const settings = lenient({}, settingFields)
type Settings = Read<typeof settings>

/** What of them changes nothing here, and why. */
export const leftOut: LeftOut = {
  keep_alive: {
    why: 'how long a model stays in memory is a setting of its backend; 0 unloads it after the answer',
    unless: (seconds) => seconds === 0,
  },
  truncate: { why: 'a prompt that does not fit is refused, never cut', unless: (value) => value === false },
  shift: { why: 'at the end of the context the answer ends with "length"', unless: (value) => value === false },
}

/** Of lmapp's settings, what they are called here, but for the images. */
export const fieldNames: FieldNames = {
  'options.temperature': 'options.temperature',
  'options.topP': 'options.top_p',
  'options.topK': 'options.top_k',
  'options.minP': 'options.min_p',
  'options.repeatPenalty': 'options.repeat_penalty',
  'options.presencePenalty': 'options.presence_penalty',
  'options.frequencyPenalty': 'options.frequency_penalty',
  'options.seed': 'options.seed',
  'options.maxTokens': 'options.num_predict',
  'options.contextLength': 'options.num_ctx',
  'options.stop': 'options.stop',
  'options.logprobs': 'logprobs',
  tools: 'tools',
  schema: 'format',
  reasoning: 'think',
}

interface Ignoring {
  ignored: readonly string[]
}

/** All that is to be told of what was left out. */
export function ignoredOf(body: Ignoring & { options?: Ignoring }): string[] {
  return [...body.ignored, ...(body.options?.ignored ?? [])]
}

/** In lmapp's words. */
export function toSettings(given: Settings): Pick<Ask, 'options' | 'schema' | 'reasoning'> {
  const { format, think } = given
  const schema = format === 'json' ? anyObject : format
  return {
    options: toOptions(given),
    ...(typeof schema === 'object' && { schema }),
    ...(think !== undefined && { reasoning: think === 'max' ? 'high' : think }),
  }
}

const anyObject: JsonSchema & Record<string, unknown> = { type: 'object' }

function toOptions({ options: given, logprobs, top_logprobs: top = 0 }: Settings): ChatOptions {
  const { temperature, top_p: topP, top_k: topK, min_p: minP, seed } = given ?? {}
  const { repeat_penalty: repeatPenalty, presence_penalty: presencePenalty } = given ?? {}
  const { frequency_penalty: frequencyPenalty, num_predict: maxTokens, num_ctx: contextLength } = given ?? {}
  const stop = toStop(given)
  return {
    ...(temperature !== undefined && { temperature }),
    ...(topP !== undefined && { topP }),
    ...(topK !== undefined && { topK: Math.max(0, topK) }),
    ...(minP !== undefined && { minP }),
    ...(repeatPenalty !== undefined && { repeatPenalty }),
    ...(presencePenalty !== undefined && { presencePenalty }),
    ...(frequencyPenalty !== undefined && { frequencyPenalty }),
    ...(seed !== undefined && seed !== -1 && { seed }),
    ...(maxTokens !== undefined && maxTokens > 0 && { maxTokens }),
    ...(contextLength !== undefined && contextLength > 0 && { contextLength }),
    ...(stop.length > 0 && { stop }),
    ...(logprobs && { logprobs: top }),
  }
}

function toStop({ stop = [] }: Options = { ignored: [] }): string[] {
  return (typeof stop === 'string' ? [stop] : stop).filter((text) => text !== '')
}
