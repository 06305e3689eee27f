import {
  type Backend,
  type BackendInfo,
  type CallOptions,
  type Capabilities,
  interfaceVersion,
  LmappError,
  type ModelInfo,
} from 'lmapp-kit'
import { createMemoryProofs, createOpenChats, healthLimit, toAbsence, toHealth } from '../external/index.ts'
import type { ApiKeySource } from '../http/index.ts'
import { assertAnsweredBy, createContinuation, parseEmbeddings, toEmbeddingBody } from '../openai-wire/index.ts'
import { toAskedModel } from './asked-model.ts'
import { type Catalogue, createCatalogue } from './catalogue.ts'
import { chatWithLmStudio, toSubject } from './chat.ts'
import { type LmStudioConnection, openLmStudioConnection } from './connection.ts'

export interface LmStudioOptions {
  /** Of its server, without a path. */
  url: string
  /**
   * Milliseconds: `connectMs` for reaching it, `stallMs` of silence for a question about models, `loadMs` of silence for
   * what loads one. A chat has no limit of its own.
   */
  timeouts: { connectMs: number; stallMs: number; loadMs: number }
  apiKey?: ApiKeySource
}

const capabilities: Capabilities = {
  chat: 'yes',
  continue: 'unknown',
  tools: 'unknown',
  'json-schema': 'yes',
  vision: 'unknown',
  reasoning: 'unknown',
  embed: 'unknown',
  load: 'yes',
  unload: 'yes',
}

/** An LM Studio that somebody else started. Creating touches nothing; nothing here starts or ends its process. */
export function createLmStudioBackend({ url, timeouts, apiKey }: LmStudioOptions): Backend {
  const { connectMs, stallMs, loadMs } = timeouts
  const connection = openLmStudioConnection({ url, connectMs, silenceMs: stallMs, ...(apiKey && { apiKey }) })
  const catalogue = createCatalogue(connection)
  const continuation = createContinuation({ proofs: createMemoryProofs() })
  const chats = createOpenChats()

  const backend: Backend = {
    async start(call = {}) {
      await connection.identify(call)
    },
    async stop() {
      chats.stop('LM Studio')
    },
    async isRunning({ signal } = {}) {
      try {
        const models = await catalogue.list({ signal: healthLimit(stallMs, signal) })
        const ready = models.filter(({ info }) => info.loaded).map(({ info }) => info.id)
        return toHealth(ready, chats.list, { loads: true })
      } catch (error) {
        if (signal?.aborted) throw error
        return toAbsence(error, chats.list, 'LM Studio')
      }
    },
    chat(request, { signal } = {}) {
      const dependencies = { connection, catalogue, continuation }
      const start = (ended: AbortSignal) => chatWithLmStudio(dependencies, request, ended)
      return chats.run(request.model, signal, start)
    },
    async listModels(call = {}) {
      const models = await catalogue.list(call)
      return Promise.all(
        models.map(async (model) => withVerdict(model.info, await continuation.known(toSubject(model)))),
      )
    },
    async getInfo() {
      return toInfo(url)
    },
    ...createManagement({ connection, catalogue, silenceMs: loadMs }),
    async [Symbol.asyncDispose]() {
      await backend.stop()
      connection[Symbol.dispose]()
    },
  }
  return backend
}

interface ManagementDependencies {
  connection: LmStudioConnection
  catalogue: Catalogue
  /** Milliseconds of silence that end what loads a model. */
  silenceMs: number
}

type ManagementMethod = 'embed' | 'loadModel' | 'unloadModel'

/** What LM Studio does with models besides chatting. How long it keeps one is its own setting (`ttl`). */
function createManagement(dependencies: ManagementDependencies): Required<Pick<Backend, ManagementMethod>> {
  const { connection, catalogue, silenceMs } = dependencies
  const post = (path: string, model: string, body: Record<string, unknown>, call: CallOptions) =>
    connection.json({ method: 'POST', path, body, model, silenceMs, ...call })

  return {
    async embed({ model, input }, call = {}) {
      const found = await catalogue.find(model, call)
      if (found.info.capabilities?.embed === 'no') throw cannot(model, 'embed')
      const answer = await post('/v1/embeddings', model, toEmbeddingBody({ model, input }), call)
      await assertAnsweredBy(answer, 'LM Studio', toAskedModel(catalogue, model, found, call))
      return parseEmbeddings(answer, { engine: 'LM Studio', inputs: input.length })
    },
    async loadModel(model, call = {}) {
      const { info } = await catalogue.find(model, call)
      // It would load a second copy.
      if (info.loaded) return
      if (info.capabilities?.load !== 'yes') throw cannot(model, 'load')
      await post('/api/v1/models/load', model, { model }, call)
    },
    async unloadModel(model, call = {}) {
      const { info, instances } = await catalogue.find(model, call)
      if (info.capabilities?.unload !== 'yes') throw cannot(model, 'unload')
      const named = instances.filter(({ id }) => id === model && id !== info.id)
      for (const { id } of named.length > 0 ? named : instances) {
        await post('/api/v1/models/unload', model, { instance_id: id }, call)
      }
    },
  }
}

function cannot(model: string, capability: 'embed' | 'load' | 'unload'): LmappError {
  const old = 'Update LM Studio to 0.4 or later'
  return new LmappError(
    'unsupported',
    `LM Studio cannot ${capability} ${capability === 'embed' ? 'with ' : ''}${model}.`,
    {
      ...(capability !== 'embed' && { hint: old }),
      details: { model, capability },
    },
  )
}

/** What was tried outweighs what is not known. */
function withVerdict(info: ModelInfo, known: boolean | undefined): ModelInfo {
  if (known === undefined) return info
  return { ...info, capabilities: { ...info.capabilities, continue: known ? 'yes' : 'no' } }
}

function toInfo(url: string): BackendInfo {
  return { name: 'lm-studio', version: '0.1.0', interfaceVersion, description: `LM Studio at ${url}`, capabilities }
}
