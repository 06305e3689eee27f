import {
  type Backend,
  type BackendInfo,
  type CallOptions,
  type Capabilities,
  interfaceVersion,
  isLmappError,
} from 'lmapp-kit'
import { createMemoryProofs, createOpenChats, healthLimit, ifThere, type Proofs, toAbsence } from '../external/index.ts'
import type { ApiKeySource } from '../http/index.ts'
import { toChatBody } from '../openai-wire/index.ts'
import { mostTokens } from '../text-measure/index.ts'
import { toAskedModel } from './asked-model.ts'
import { createCatalogue, isStillLoading, stillLoading } from './catalogue.ts'
import { assertCallsTools, chatWithLlamaServer } from './chat.ts'
import { engine, type Identity, openLlamaServerConnection } from './connection.ts'
import { hasImages } from './context.ts'
import { createContinuing } from './continuing.ts'
import { createModelDescriber } from './describe-model.ts'
import { toDialect } from './dialect.ts'
import { embedWithLlamaServer } from './embedding.ts'
import { toHealth, toLoadingHealth } from './health.ts'
import { countPrompt } from './prompt-tokens.ts'

export interface LlamaServerBackendOptions {
  /** Where one may be, at least one; the first where a llama-server is counts. */
  urls: readonly string[]
  /** Unix socket by which it is reached; the address then only says what its requests look like. */
  socketPath?: string
  /**
   * Milliseconds: `connectMs` for reaching it, `stallMs` of silence for a question about models, `loadMs` of silence for
   * an embedding. A chat has no limit of its own.
   */
  timeouts: { connectMs: number; stallMs: number; loadMs: number }
  apiKey?: ApiKeySource
  /** Where it is kept which models continue an answer. Default: in memory. */
  proofs?: Proofs
}

const capabilities: Capabilities = {
  chat: 'yes',
  continue: 'yes',
  tools: 'unknown',
  'json-schema': 'yes',
  vision: 'unknown',
  reasoning: 'unknown',
  logprobs: 'yes',
  embed: 'unknown',
  'count-tokens': 'yes',
}

/** A llama-server that somebody else started. Creating touches nothing; nothing here starts or ends its process. */
export function createLlamaServerBackend(options: LlamaServerBackendOptions): Backend {
  const { urls, socketPath, timeouts, apiKey, proofs = createMemoryProofs() } = options
  const { connectMs, stallMs, loadMs } = timeouts
  const connection = openLlamaServerConnection({
    urls,
    connectMs,
    silenceMs: stallMs,
    ...(apiKey && { apiKey }),
    ...(socketPath !== undefined && { socketPath }),
  })
  const catalogue = createCatalogue(connection)
  const continuing = createContinuing({ connection, catalogue, proofs })
  const dependencies = { connection, catalogue, continuing }
  const describer = createModelDescriber(dependencies)
  const chats = createOpenChats()

  /** A list is worth waiting for a model that is about to be loaded, but not for long. */
  const whenListed = async <T>(call: CallOptions, ask: (call: CallOptions) => Promise<T>): Promise<T> => {
    // Under its own limit: what says nothing at all is not loading.
    if ((await connection.identify(call)).state === 'ready') return ask(call)
    try {
      await catalogue.whenLoaded({ signal: healthLimit(connectMs, call.signal) })
    } catch (error) {
      throw isLmappError(error, 'cancelled') && !call.signal?.aborted ? stillLoading() : error
    }
    return ask(call)
  }

  const backend: Backend = {
    async start(call = {}) {
      await connection.identify(call)
    },
    async stop() {
      chats.stop(engine)
    },
    async isRunning({ signal } = {}) {
      const call = { signal: healthLimit(stallMs, signal) }
      try {
        if (await connection.isLoading(call)) return toLoadingHealth(chats.list)
        return toHealth(await catalogue.list(call), chats.list)
      } catch (error) {
        if (signal?.aborted) throw error
        return isStillLoading(error) ? toLoadingHealth(chats.list) : toAbsence(error, chats.list, engine)
      }
    },
    chat(request, { signal } = {}) {
      const start = (ended: AbortSignal) => chatWithLlamaServer(dependencies, request, ended)
      return chats.run(request.model, signal, start)
    },
    async listModels(call = {}) {
      return whenListed(call, async () => {
        const models = await catalogue.list(call)
        return Promise.all(models.map((model) => describer.describe(model, call)))
      })
    },
    async showModel(name, call = {}) {
      return whenListed(call, async () => describer.describeFully(await catalogue.find(name, call), call))
    },
    async getInfo(call = {}) {
      return toInfo(urls, await ifThere(connection.identify(call)))
    },
    async embed({ model, input }, call = {}) {
      const served = await catalogue.find(model, call)
      const asked = toAskedModel(catalogue, model, served, call)
      return embedWithLlamaServer(connection, { model: served, asked, input, silenceMs: loadMs }, call)
    },
    async countTokens(request, call = {}) {
      const served = await catalogue.find(request.model, call)
      const props = await catalogue.propsIfLoaded(served, call)
      if (!props || hasImages(request)) return { tokens: mostTokens(request), exact: false }
      assertCallsTools(request, props)
      const { body } = toChatBody(request, { dialect: toDialect(props), model: served.wireName })
      return { tokens: await countPrompt(connection, body, call), exact: true }
    },
    async [Symbol.asyncDispose]() {
      await backend.stop()
      connection[Symbol.dispose]()
    },
  }
  return backend
}

function toInfo(urls: readonly string[], identity: Identity | undefined): BackendInfo {
  const props = identity?.state === 'ready' ? identity.props : undefined
  const slots = props?.model?.slots
  return {
    name: engine,
    version: '0.1.0',
    interfaceVersion,
    ...(props && { engineVersion: props.version }),
    description: `llama-server at ${identity?.url ?? urls.join(' or ')}`,
    capabilities: { ...capabilities, ...(slots !== undefined && { parallel: slots }) },
  }
}
