import {
  type Backend,
  type BackendInfo,
  type Capabilities,
  interfaceVersion,
  type ModelInfo,
  type Support,
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
import { createCatalogue } from './catalogue.ts'
import { chatWithOllama } from './chat.ts'
import { openOllamaConnection } from './connection.ts'
import { type Continuation, createContinuation } from './continuation/index.ts'
import type { LoadLog } from './load-log.ts'
import { createManagement, type ManagementMethod } from './management.ts'
import { normalizeModelName } from './model-name.ts'
import type { Sender } from './send.ts'
import { givesLogprobs } from './version.ts'

export interface OllamaBackendOptions {
  /** As `parseOllamaHost` gives it. */
  url: string
  /**
   * Milliseconds: `connectMs` for reaching it, `stallMs` of silence for a question about models, `loadMs` of silence for
   * what loads or fetches one. A chat has no limit of its own.
   */
  timeouts: { connectMs: number; stallMs: number; loadMs: number }
  apiKey?: ApiKeySource
  /** What was proved of continuing. Default: kept as long as the backend. */
  proofs?: Proofs
  /** Of an Ollama of our own. */
  loadLog?: LoadLog
  /** Waits between two looks at a load. Default: by the clock. */
  pause?: Sender['pause']
  /** What a user does when nothing answers there. */
  unreachableHint?: string
}

export type OllamaBackend = Backend & Required<Pick<Backend, 'showModel' | ManagementMethod>>

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

/** An Ollama that runs. Creating touches nothing; nothing here starts or ends its process. */
export function createOllamaBackend(options: OllamaBackendOptions): OllamaBackend {
  const { url, timeouts, apiKey, unreachableHint, loadLog, pause } = options
  const { connectMs, stallMs, loadMs } = timeouts
  const connection = openOllamaConnection({
    ...{ url, connectMs, silenceMs: stallMs },
    ...(apiKey && { apiKey }),
    ...(unreachableHint !== undefined && { unreachableHint }),
  })
  const catalogue = createCatalogue(connection)
  const sender: Sender = { connection, catalogue, ...(loadLog && { loadLog }), ...(pause && { pause }) }
  const continuation = createContinuation(sender, options.proofs ?? createMemoryProofs())
  const chats = createOpenChats()

  const backend: OllamaBackend = {
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
      const model = normalizeModelName(request.model)
      return chats.run(model, signal, (ended) => chatWithOllama({ ...sender, continuation }, request, ended))
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
    capabilities: { ...capabilities, logprobs: toLogprobs(engineVersion) },
  }
}

function toLogprobs(version: string | undefined): Support {
  if (version === undefined) return 'unknown'
  return givesLogprobs(version) ? 'yes' : 'no'
}
