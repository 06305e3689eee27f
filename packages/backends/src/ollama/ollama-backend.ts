import { type Backend, type BackendInfo, type Capabilities, interfaceVersion, type ModelInfo } from 'lmapp-kit'
import { createOpenChats, healthLimit, ifThere, toAbsence, toHealth } from '../external/index.ts'
import type { ApiKeySource } from '../http/index.ts'
import { createCatalogue } from './catalogue.ts'
import { chatWithOllama } from './chat.ts'
import { openOllamaConnection } from './connection.ts'
import { type Continuation, createContinuation } from './continuation.ts'
import { createManagement } from './management.ts'
import { normalizeModelName } from './model-name.ts'

export interface OllamaBackendOptions {
  /** As `parseOllamaHost` gives it. */
  url: string
  /**
   * Milliseconds: `connectMs` for reaching it, `stallMs` of silence for a question about models, `loadMs` of silence for
   * what loads or fetches one. A chat has no limit of its own.
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
  embed: 'yes',
  load: 'yes',
  unload: 'yes',
  pull: 'yes',
  remove: 'yes',
}

/** An Ollama that somebody else started. Creating touches nothing; nothing here starts or ends its process. */
export function createOllamaBackend({ url, timeouts, apiKey }: OllamaBackendOptions): Backend {
  const { connectMs, stallMs, loadMs } = timeouts
  const connection = openOllamaConnection({ url, connectMs, silenceMs: stallMs, ...(apiKey && { apiKey }) })
  const catalogue = createCatalogue(connection)
  const continuation = createContinuation(connection, catalogue)
  const chats = createOpenChats()

  const backend: Backend = {
    async start(call = {}) {
      await connection.identify(call)
    },
    async stop() {
      chats.stop('Ollama')
    },
    async isRunning({ signal } = {}) {
      try {
        const loaded = (await catalogue.loaded({ signal: healthLimit(stallMs, signal) })) ?? []
        return toHealth(
          loaded.map(({ id }) => id),
          chats.list,
          { loads: true },
        )
      } catch (error) {
        if (signal?.aborted) throw error
        return toAbsence(error, chats.list, 'Ollama')
      }
    },
    chat(request, { signal } = {}) {
      const dependencies = { connection, catalogue, continuation }
      const model = normalizeModelName(request.model)
      return chats.run(model, signal, (ended) => chatWithOllama(dependencies, request, ended))
    },
    async listModels(call = {}) {
      return (await catalogue.list(call)).map((info) => withVerdict(info, continuation))
    },
    async showModel(model, call = {}) {
      return withVerdict(await catalogue.show(model, call), continuation)
    },
    async getInfo(call = {}) {
      return toInfo(url, (await ifThere(connection.identify(call)))?.version)
    },
    ...createManagement({ connection, catalogue, silenceMs: loadMs }),
    async [Symbol.asyncDispose]() {
      await backend.stop()
      connection[Symbol.dispose]()
    },
  }
  return backend
}

/** What was tried outweighs what is not known. */
function withVerdict(info: ModelInfo, continuation: Continuation): ModelInfo {
  const known = continuation.known(info.id)
  if (known === undefined) return info
  return { ...info, capabilities: { ...info.capabilities, continue: known ? 'yes' : 'no' } }
}

function toInfo(url: string, engineVersion: string | undefined): BackendInfo {
  return {
    name: 'ollama',
    version: '0.1.0',
    interfaceVersion,
    ...(engineVersion !== undefined && { engineVersion }),
    description: `Ollama at ${url}`,
    capabilities,
  }
}
