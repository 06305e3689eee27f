import type { CallOptions, ChatRequest, Health, LmappError, ModelInfo, Part } from 'lmapp-kit'
import { normalizeModelName } from '../model-name.ts'
import type { OllamaBackend } from '../ollama-backend.ts'
import { createReach, isNobody, type Reach, type ReachOptions, withHint } from './reach.ts'

export interface StartableOptions extends ReachOptions {
  /** What it would list, without it. */
  storedModels(): Promise<ModelInfo[]>
}

/**
 * The Ollama that runs at its address, else one of our own, started when it is needed. As long as ours runs it is used.
 * Looking starts nothing; stopping ends our own and nobody else's.
 */
export function createStartableBackend(options: StartableOptions): OllamaBackend {
  const { attached, lease } = options
  const reach = createReach(options)

  const lookAt = async <T>(
    look: (backend: OllamaBackend) => Promise<T>,
    otherwise: (error: LmappError) => Promise<T>,
  ) => {
    try {
      return await look(reach.own() ?? attached)
    } catch (error) {
      if (!isNobody(error)) throw error
      const { startable, hint } = await options.plan()
      if (!startable) throw withHint(error, hint)
      return otherwise(error)
    }
  }
  const listStored = async () =>
    (await options.storedModels()).map((model) => ({ ...model, id: normalizeModelName(model.id), loaded: false }))

  return {
    async start(call = {}) {
      await reach.orStart(call)
    },
    async stop() {
      await Promise.all([attached.stop(), reach.stop()])
    },
    async isRunning(call = {}) {
      const own = reach.own()
      if (own) return own.isRunning(call)
      const { state, failure } = lease.supervisor
      if (state === 'starting' || state === 'stopping') return { ...absent, state }
      const health = await attached.isRunning(call)
      if (health.state !== 'stopped' || failure === undefined) return health
      return { ...health, state: 'failed', degraded: failure }
    },
    chat: (request, call = {}) => chat(reach, request, call),
    listModels: (call = {}) => lookAt((reached) => reached.listModels(call), listStored),
    showModel: (name, call = {}) =>
      lookAt(
        (reached) => reached.showModel(name, call),
        async (error) => {
          const stored = (await listStored()).find(({ id }) => id === normalizeModelName(name))
          if (!stored) throw error
          return stored
        },
      ),
    getInfo: (call = {}) => (reach.own() ?? attached).getInfo(call),
    embed: async (request, call = {}) => (await reach.orStart(call)).embed(request, call),
    loadModel: async (model, call = {}) => (await reach.orStart(call)).loadModel(model, call),
    unloadModel: async (model, call = {}) =>
      lookAt(
        (reached) => reached.unloadModel(model, call),
        // Nothing is in the memory of what does not run.
        async () => {},
      ),
    removeModel: async (model, call = {}) => (await reach.orStart(call)).removeModel(model, call),
    async *pullModel(model, call = {}) {
      yield* (await reach.orStart(call)).pullModel(model, call)
    },
    async [Symbol.asyncDispose]() {
      await attached[Symbol.asyncDispose]()
      await reach[Symbol.asyncDispose]()
    },
  }
}

const absent: Health = { running: false, state: 'stopped', active: 0, queued: 0, models: [] }

async function* chat(reach: Reach, request: ChatRequest, call: CallOptions): AsyncGenerator<Part, void, undefined> {
  let backend: OllamaBackend | undefined
  try {
    backend = await reach.orStart(call)
    for await (const part of backend.chat(request, call)) {
      if (part.type === 'finish') reach.succeeded()
      yield part
    }
  } catch (error) {
    if (backend) throw reach.explain(error, backend)
    if (!call.signal?.aborted) throw error
    yield { type: 'finish', reason: 'cancelled', usage: {} }
  }
}
