import {
  type BackendInfo,
  type Embedding,
  type FileValue,
  type Health,
  type HelloResult,
  isFileValue,
  LmappError,
  type ModelInfo,
  type Progress,
  type PullProgress,
  parseVectorBytes,
  type TokenCount,
} from 'lmapp-kit'

/** What a plugin answers, as it comes over the line. All throw `protocol-violation`; unknown members stay. */

export function parseHelloResult(value: unknown): HelloResult {
  const result = parseObject(value, 'hello')
  if (typeof result.interfaceVersion !== 'string' || typeof result.nonce !== 'string') throw wrong('hello', value)
  return { interfaceVersion: result.interfaceVersion, nonce: result.nonce, info: parseInfo(result.info) }
}

export function parseInfo(value: unknown): BackendInfo {
  const info = parseObject(value, 'get_info')
  if (typeof info.name !== 'string' || typeof info.version !== 'string') throw wrong('get_info', value)
  if (typeof info.interfaceVersion !== 'string' || !isObject(info.capabilities)) throw wrong('get_info', value)
  return info as unknown as BackendInfo
}

export function parseHealth(value: unknown): Health {
  const health = parseObject(value, 'is_running')
  const state = states.find((known) => known === health.state)
  if (typeof health.running !== 'boolean' || !state) throw wrong('is_running', value)
  return {
    running: health.running,
    state,
    ...(typeof health.degraded === 'string' && { degraded: health.degraded }),
    active: typeof health.active === 'number' ? health.active : 0,
    queued: typeof health.queued === 'number' ? health.queued : 0,
    models: Array.isArray(health.models) ? health.models.filter(hasId) : [],
  }
}

export function parseModels(value: unknown): ModelInfo[] {
  const { models } = parseObject(value, 'list_models')
  if (!Array.isArray(models) || !models.every(hasId)) throw wrong('list_models', value)
  return models as ModelInfo[]
}

export function parseModel(value: unknown): ModelInfo {
  if (!hasId(value)) throw wrong('show_model', value)
  return value as unknown as ModelInfo
}

export function parseTokenCount(value: unknown): TokenCount {
  const count = parseObject(value, 'count_tokens')
  if (typeof count.tokens !== 'number') throw wrong('count_tokens', value)
  return { tokens: count.tokens, exact: count.exact === true }
}

export async function parseEmbedding(
  value: unknown,
  read: (file: FileValue) => Promise<Uint8Array>,
): Promise<Embedding> {
  const { vectors, dimensions, inputTokens } = parseObject(value, 'embed')
  if (typeof dimensions !== 'number') throw wrong('embed', value)
  return {
    vectors: await parseVectors(vectors, dimensions, read),
    ...(typeof inputTokens === 'number' && { inputTokens }),
  }
}

/** Undefined for a step that says nothing. */
export function parsePullStep(value: unknown): PullProgress | undefined {
  if (!isObject(value) || typeof value.status !== 'string') return undefined
  const { status, progress } = value
  if (!isObject(progress) || typeof progress.done !== 'number') return { status }
  return { status, progress: progress as unknown as Progress }
}

const states = ['stopped', 'starting', 'running', 'stopping', 'failed'] as const

async function parseVectors(
  vectors: unknown,
  dimensions: number,
  read: (file: FileValue) => Promise<Uint8Array>,
): Promise<Float32Array[]> {
  if (isFileValue(vectors)) return parseVectorBytes(await read(vectors), dimensions)
  if (!Array.isArray(vectors)) throw wrong('embed', vectors)
  return vectors.flatMap((vector) => parseVectorBytes(Buffer.from(String(vector), 'base64'), dimensions))
}

function parseObject(value: unknown, method: string): Record<string, unknown> {
  if (!isObject(value)) throw wrong(method, value)
  return value
}

function hasId(value: unknown): value is Record<string, unknown> & { id: string; state: never } {
  return isObject(value) && typeof value.id === 'string'
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function wrong(method: string, value: unknown): LmappError {
  return new LmappError('protocol-violation', `The answer of "${method}" is not what the contract says.`, {
    details: { method, received: JSON.stringify(value)?.slice(0, 200) },
  })
}
