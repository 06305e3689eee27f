import {
  type Backend,
  type BackendInfo,
  type Capabilities,
  type ChatRequest,
  interfaceVersion,
  isLmappError,
  LmappError,
  type ModelInfo,
  type Part,
} from 'lmapp-kit'
import type { ApiKeySource } from '../http/index.ts'
import { createCatalogue } from './catalogue.ts'
import { type ChatDependencies, chatWithOllama } from './chat.ts'
import { openOllamaConnection } from './connection.ts'
import { type Continuation, createContinuation } from './continuation.ts'
import { type OpenChat, toAbsence, toHealth } from './health.ts'
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

/** Milliseconds that a person waits at most to hear whether it is there. */
const longestHealthMs = 4_000

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
  const chats = new Map<AbortController, OpenChat>()

  const backend: Backend = {
    async start(call = {}) {
      await connection.identify(call)
    },
    async stop() {
      const reason = new LmappError('backend-stopped', 'The connection to Ollama was ended.')
      for (const chat of chats.keys()) chat.abort(reason)
      chats.clear()
    },
    async isRunning({ signal } = {}) {
      const limit = AbortSignal.timeout(Math.min(stallMs, longestHealthMs))
      try {
        const loaded = await catalogue.loaded({ signal: signal ? AbortSignal.any([signal, limit]) : limit })
        return toHealth(loaded ?? [], [...chats.values()])
      } catch (error) {
        if (signal?.aborted) throw error
        return toAbsence(error, [...chats.values()])
      }
    },
    chat(request, { signal } = {}) {
      return chatUntilStopped({ connection, catalogue, continuation }, chats, request, signal)
    },
    async listModels(call = {}) {
      return (await catalogue.list(call)).map((info) => withVerdict(info, continuation))
    },
    async showModel(model, call = {}) {
      return withVerdict(await catalogue.show(model, call), continuation)
    },
    async getInfo(call = {}) {
      return toInfo(url, await versionIfThere(connection.identify(call)))
    },
    ...createManagement({ connection, catalogue, silenceMs: loadMs }),
    async [Symbol.asyncDispose]() {
      await backend.stop()
      connection[Symbol.dispose]()
    },
  }
  return backend
}

/** Ends `cancelled` when the caller aborts, and throws `backend-stopped` when the backend is stopped. */
async function* chatUntilStopped(
  dependencies: ChatDependencies,
  chats: Map<AbortController, OpenChat>,
  request: ChatRequest,
  signal: AbortSignal | undefined,
): AsyncGenerator<Part, void, undefined> {
  const stopping = new AbortController()
  const chat: OpenChat = { model: normalizeModelName(request.model), answering: false }
  chats.set(stopping, chat)
  try {
    const ended = signal ? AbortSignal.any([signal, stopping.signal]) : stopping.signal
    for await (const part of chatWithOllama(dependencies, request, ended)) {
      if (signal?.aborted) break
      stopping.signal.throwIfAborted()
      chat.answering ||= part.type.endsWith('-delta')
      yield part
      if (part.type === 'finish') return
    }
  } catch (error) {
    if (!signal?.aborted) throw stopping.signal.aborted ? stopping.signal.reason : error
  } finally {
    chats.delete(stopping)
  }
  yield { type: 'finish', reason: 'cancelled', usage: {} }
}

/** What was tried outweighs what is not known. */
function withVerdict(info: ModelInfo, continuation: Continuation): ModelInfo {
  const known = continuation.known(info.id)
  if (known === undefined) return info
  return { ...info, capabilities: { ...info.capabilities, continue: known ? 'yes' : 'no' } }
}

async function versionIfThere(identified: Promise<{ version: string }>): Promise<string | undefined> {
  try {
    return (await identified).version
  } catch (error) {
    if (isLmappError(error) && error.code !== 'cancelled') return undefined
    throw error
  }
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
