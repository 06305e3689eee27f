import {
  type Backend,
  type BackendInfo,
  type CallOptions,
  type Capabilities,
  type Embedding,
  interfaceVersion,
  isLmappError,
  LmappError,
  type ModelInfo,
} from 'lmapp-kit'
import {
  createMemoryProofs,
  createOpenChats,
  healthLimit,
  ifThere,
  type Proofs,
  toAbsence,
  toHealth,
} from '../external/index.ts'
import type { ApiKeySource } from '../http/index.ts'
import {
  assertAnsweredBy,
  createContinuation,
  type ListedModel,
  parseEmbeddings,
  toEmbeddingBody,
} from '../openai-wire/index.ts'
import { toAskedModel } from './asked-model.ts'
import { chatWithCompatible, findEntry, toSubject, withKnownNames } from './chat.ts'
import { type CompatibleConnection, type Identity, openCompatibleConnection } from './connection.ts'
import type { Engine } from './engines.ts'

export interface OpenAiCompatibleOptions {
  /** Of the API, as `http://10.0.0.5:8000/v1`. */
  url: string
  /**
   * Milliseconds: `connectMs` for reaching it, `stallMs` of silence for a question about models, `loadMs` of silence for
   * an embedding. A chat has no limit of its own.
   */
  timeouts: { connectMs: number; stallMs: number; loadMs: number }
  apiKey?: ApiKeySource
  /** Where it is kept which models continue an answer. Default: in memory. */
  proofs?: Proofs
}

/** What such a server can is for each model to show. */
const capabilities: Capabilities = {
  chat: 'yes',
  continue: 'unknown',
  tools: 'unknown',
  'json-schema': 'unknown',
  vision: 'unknown',
  reasoning: 'unknown',
  logprobs: 'unknown',
  embed: 'unknown',
}

/** A server that speaks OpenAI's API, started by somebody else. Creating touches nothing. */
export function createOpenAiCompatibleBackend(options: OpenAiCompatibleOptions): Backend {
  const { url, timeouts, apiKey, proofs = createMemoryProofs() } = options
  const { connectMs, stallMs, loadMs } = timeouts
  const connection = openCompatibleConnection({ url, connectMs, silenceMs: stallMs, ...(apiKey && { apiKey }) })
  const continuation = createContinuation({ proofs })
  const chats = createOpenChats()
  const name = `The server at ${url}`

  const backend: Backend = {
    async start(call = {}) {
      await connection.identify(call)
    },
    async stop() {
      chats.stop(url)
    },
    async isRunning({ signal } = {}) {
      const call = { signal: healthLimit(stallMs, signal) }
      try {
        const { engine } = await connection.identify(call)
        return toHealth(readyOf(engine, await connection.models(call)), chats.list)
      } catch (error) {
        if (signal?.aborted) throw error
        return toAbsence(error, chats.list, name)
      }
    },
    chat(request, { signal } = {}) {
      const dependencies = { url, connection, continuation }
      const start = (ended: AbortSignal) => chatWithCompatible(dependencies, request, ended)
      return chats.run(request.model, signal, start)
    },
    async listModels(call = {}) {
      const identity = await connection.identify(call)
      const describe = async (entry: ListedModel) => {
        const continues = await continuation.known(toSubject(identity, { url, model: entry.info.id, entry }))
        return toModelInfo(entry, identity.engine, continues)
      }
      return Promise.all((await connection.models(call)).map(describe))
    },
    async getInfo(call = {}) {
      return toInfo(url, await ifThere(connection.identify(call)))
    },
    embed: (request, call = {}) => embed(connection, request, { silenceMs: loadMs, ...call }),
    async [Symbol.asyncDispose]() {
      await backend.stop()
      connection[Symbol.dispose]()
    },
  }
  return backend
}

async function embed(
  connection: CompatibleConnection,
  { model, input }: { model: string; input: string[] },
  call: CallOptions & { silenceMs: number },
): Promise<Embedding> {
  const identified = call.signal ? { signal: call.signal } : {}
  const { engine: served, models } = await connection.identify(identified)
  const { engine } = served.dialect
  try {
    const body = toEmbeddingBody({ model, input })
    const answer = await connection.json({ method: 'POST', path: '/embeddings', body, model, ...call })
    const entry = findEntry(models, model)
    await assertAnsweredBy(answer, engine, toAskedModel(connection, { model, entry }, identified))
    return parseEmbeddings(answer, { engine, inputs: input.length })
  } catch (error) {
    if (isLmappError(error, 'backend-refused')) throw noEmbeddings(engine, model, error)
    throw await withKnownNames(error, connection, call.signal)
  }
}

function noEmbeddings(engine: string, model: string, cause: LmappError): LmappError {
  return new LmappError('unsupported', `${engine} does not embed.`, {
    details: { model, capability: 'embed' },
    cause,
  })
}

function readyOf(engine: Engine, models: readonly ListedModel[]): string[] {
  return models.filter(({ info }) => info.loaded ?? engine.listsLoaded).map(({ info }) => info.id)
}

/** What was tried outweighs what is not known. */
function toModelInfo({ info }: ListedModel, engine: Engine, continues: boolean | undefined): ModelInfo {
  return {
    ...info,
    ...(info.loaded === undefined && engine.listsLoaded && { loaded: true }),
    capabilities: {
      ...info.capabilities,
      ...(engine.schema !== 'unknown' && { 'json-schema': engine.schema }),
      continue: continues === undefined ? 'unknown' : continues ? 'yes' : 'no',
    },
  }
}

function toInfo(url: string, identity: Identity | undefined): BackendInfo {
  const engine = identity?.engine.dialect.engine ?? 'The server'
  return {
    name: 'openai-compatible',
    version: '0.1.0',
    interfaceVersion,
    ...(identity?.version !== undefined && { engineVersion: identity.version }),
    description: `${engine} at ${url}`,
    capabilities,
  }
}
