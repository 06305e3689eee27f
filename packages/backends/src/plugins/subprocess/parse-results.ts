import {
  type BackendInfo,
  type Capabilities,
  capabilityNames,
  type Embedding,
  type FileValue,
  type Health,
  type HelloResult,
  isFileValue,
  type LmappError,
  type ModelHealth,
  type ModelInfo,
  type Progress,
  type PullProgress,
  parseVectorBytes,
  type TokenCount,
} from 'lmapp-kit'
import { isFields } from '../../json/fields.ts'
import { progress } from './parse-parts.ts'
import {
  anyObject,
  count,
  filledText,
  listOf,
  numberIn,
  objectOf,
  oneOf,
  optional,
  type Shape,
  text,
  truth,
  violation,
  type Wrong,
} from './shape.ts'

/** What a plugin answers, as it comes over the line. All throw `protocol-violation`; unknown members stay. */

export function parseHelloResult(value: unknown): HelloResult {
  const result = parseShape<HelloResult>(value, hello, 'hello')
  return { ...result, info: withKnownSupport(result.info) }
}

export function parseInfo(value: unknown): BackendInfo {
  return withKnownSupport(parseShape<BackendInfo>(value, info, 'get_info'))
}

/** What is wrong in the figures and models is left out: it is asked for often, and says first of all whether it runs. */
export function parseHealth(value: unknown): Health {
  const health = parseShape<Health>(value, objectOf({ running: truth, state: oneOf(states) }), 'is_running')
  const { running, state, degraded, active, queued, models } = health
  return {
    running,
    state,
    ...(typeof degraded === 'string' && { degraded }),
    active: count(active) ? 0 : active,
    queued: count(queued) ? 0 : queued,
    models: Array.isArray(models) ? models.filter((model): model is ModelHealth => !modelHealth(model)) : [],
  }
}

export function parseModels(value: unknown): ModelInfo[] {
  const { models } = parseShape<{ models: ModelInfo[] }>(value, objectOf({ models: listOf(model) }), 'list_models')
  return models.map(withKnownSupport)
}

export function parseModel(value: unknown): ModelInfo {
  return withKnownSupport(parseShape<ModelInfo>(value, model, 'show_model'))
}

export function parseTokenCount(value: unknown): TokenCount {
  const { tokens, exact } = parseShape<TokenCount>(value, objectOf({ tokens: count }), 'count_tokens')
  return { tokens, exact: exact === true }
}

export async function parseEmbedding(
  value: unknown,
  read: (file: FileValue) => Promise<Uint8Array>,
): Promise<Embedding> {
  const { vectors, dimensions, inputTokens } = parseShape<WireEmbedding>(value, embedding, 'embed')
  return {
    vectors: isFileValue(vectors)
      ? parseVectorBytes(await read(vectors), dimensions)
      : vectors.flatMap((vector) => parseVectorBytes(Buffer.from(vector, 'base64'), dimensions)),
    ...(!count(inputTokens) && { inputTokens }),
  }
}

/** Undefined for a step that says nothing. */
export function parsePullStep(value: unknown): PullProgress | undefined {
  if (!isFields(value) || typeof value.status !== 'string') return undefined
  const { status } = value
  return progress(value.progress) ? { status } : { status, progress: value.progress as Progress }
}

interface WireEmbedding {
  vectors: string[] | FileValue
  dimensions: number
  inputTokens: number
}

const states = ['stopped', 'starting', 'running', 'stopping', 'failed']

const modelHealth = objectOf({
  id: text,
  state: oneOf(['unloaded', 'loading', 'ready']),
  progress: optional(numberIn(0, 1)),
})

const capabilities = objectOf({
  ...Object.fromEntries(capabilityNames.map((name) => [name, optional(text)])),
  parallel: optional((value) => count(value) ?? numberIn(1, Number.MAX_SAFE_INTEGER)(value)),
})

const info = objectOf({
  name: text,
  version: text,
  interfaceVersion: text,
  engineVersion: optional(text),
  description: optional(text),
  capabilities,
})

const hello = objectOf({ interfaceVersion: text, nonce: text, info })

const model = objectOf({
  id: filledText,
  sizeBytes: optional(count),
  modifiedAt: optional(text),
  quantization: optional(text),
  parameters: optional(text),
  family: optional(text),
  contextLength: optional(count),
  loaded: optional(truth),
  capabilities: optional(capabilities),
  license: optional(text),
  digest: optional(text),
  path: optional(text),
  template: optional(text),
})

const vectorList = listOf(text)

const embedding = objectOf({
  vectors: (value) => (Array.isArray(value) ? vectorList(value) : toWrongFile(value)),
  dimensions: count,
})

function toWrongFile(value: unknown): Wrong | undefined {
  return isFileValue(value) ? undefined : (anyObject(value) ?? { path: 'file', value })
}

function parseShape<Value>(value: unknown, shape: Shape, method: string): Value {
  const wrong = shape(value)
  if (wrong) throw wrongAnswer(method, wrong)
  return value as Value
}

/** A kind of support that is not known counts as `unknown`. */
function withKnownSupport<Value extends { capabilities?: Capabilities }>(value: Value): Value {
  if (!value.capabilities) return value
  const known = capabilityNames
    .filter((name) => value.capabilities?.[name] !== undefined)
    .map((name) => [name, supports.find((support) => support === value.capabilities?.[name]) ?? 'unknown'])
  return { ...value, capabilities: { ...value.capabilities, ...Object.fromEntries(known) } }
}

const supports = ['yes', 'no', 'unknown']

function wrongAnswer(method: string, wrong: Wrong): LmappError {
  const where = wrong.path === '' ? '' : `: "${wrong.path}" is wrong or absent`
  return violation(`The answer of "${method}" is not what the contract says${where}.`, wrong, { method })
}
