import {
  type Backend,
  type BackendInfo,
  type CallOptions,
  type ChatRequest,
  interfaceVersion,
  isLmappError,
  LmappError,
  type Part,
  type TokenCount,
  untilAborted,
} from 'lmapp-kit'
import { type EmbeddedConfig, parseConfig } from './config.ts'
import { createModelHost, type ModelHold, type ModelHost } from './engine/model-host.ts'
import { openVocabulary, type Reader } from './engine/vocabulary.ts'
import { runChat, type Tally } from './generate/chat.ts'
import { embedTexts } from './generate/embed.ts'
import { preparePrompt } from './generate/prepare-prompt.ts'
import { chatTemplate, embeds, isModel, type ModelFile, toModelInfo, writesText } from './models/describe-model.ts'
import { createModelFolder } from './models/model-folder.ts'
import { openRuntime, type Runtime } from './runtime/open-runtime.ts'
import { countThreads } from './runtime/threads.ts'

export const version = '0.1.0'

export interface EmbeddedSurroundings {
  log?(level: 'info' | 'warning' | 'error', message: string): void
  /** A model began to load, is loaded or was unloaded. */
  stateChanged?(): void
  /** Bytes that models may still take. Default: what the system says. */
  availableMemory?(): number
}

interface Running {
  runtime: Runtime
  host: ModelHost
  /** Aborted when the backend is stopped. */
  stopping: AbortController
}

/** llama.cpp as a backend. Creating it touches nothing; `config` throws `config-invalid`. */
export function createEmbeddedBackend(config: unknown, surroundings: EmbeddedSurroundings = {}): Backend {
  const settings = parseConfig(config)
  const log = surroundings.log ?? (() => {})
  const folder = createModelFolder({ ...settings, log })
  let running: Promise<Running> | undefined
  let ready: Running | undefined
  let state: 'stopped' | 'starting' | 'running' | 'stopping' | 'failed' = 'stopped'
  let engineVersion: string | undefined

  async function open(): Promise<Running> {
    state = 'starting'
    try {
      ready = await openEngine(settings, { ...surroundings, log })
      engineVersion = ready.runtime.engineVersion
      state = 'running'
      return ready
    } catch (error) {
      state = 'failed'
      running = undefined
      throw error
    }
  }

  function engine(): Running {
    if (ready && state === 'running') return ready
    throw new LmappError('backend-stopped', 'The embedded engine is not running.')
  }

  async function stop(): Promise<void> {
    const opened = await running?.catch(() => undefined)
    if (!opened || opened !== ready) return
    state = 'stopping'
    ready = undefined
    opened.stopping.abort(new LmappError('backend-stopped', 'The embedded engine was stopped.'))
    await opened.host[Symbol.asyncDispose]()
    running = undefined
    state = 'stopped'
  }

  /** Works with a model that is kept loaded meanwhile. */
  async function withModel<T>(
    findFile: () => Promise<ModelFile>,
    options: CallOptions | undefined,
    work: (hold: ModelHold, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    return await whileRunning(options, async ({ host }, signal) => {
      const hold = await host.use(await findFile(), { signal })
      try {
        return await work(hold, signal)
      } finally {
        hold.release()
      }
    })
  }

  /** Works until the caller leaves or the engine is stopped. An abort is `cancelled`. */
  async function whileRunning<T>(
    options: CallOptions | undefined,
    work: (current: Running, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const current = engine()
    const { stopping } = current
    const signal = options?.signal ? AbortSignal.any([options.signal, stopping.signal]) : stopping.signal
    try {
      return await work(current, signal)
    } catch (cause) {
      if (stopping.signal.aborted) throw stopping.signal.reason
      throw options?.signal?.aborted && !isLmappError(cause) ? toCancelled(cause) : cause
    }
  }

  /** A model that is gone or broken does not stay in memory. */
  async function find(model: string): Promise<ModelFile> {
    try {
      const file = await folder.find(model)
      if (isModel(file.head)) return file
    } catch (error) {
      if (isLmappError(error)) await ready?.host.forget(model)
      throw error
    }
    throw new LmappError('unsupported', `The file of "${model}" is no model of its own; it belongs to one.`, {
      details: { model },
    })
  }

  async function findWriter(model: string): Promise<ModelFile> {
    const file = await find(model)
    if (writesText(file.head)) return file
    throw new LmappError('unsupported', `"${model}" is no model that writes text.`, { details: { model } })
  }

  async function findEmbedder(model: string): Promise<ModelFile> {
    const file = await find(model)
    if (embeds(file.head)) return file
    throw new LmappError('unsupported', `"${model}" is no model that embeds.`, {
      details: { model, capability: 'embed' },
    })
  }

  return {
    async start(options) {
      running ??= open()
      await typed(untilAborted(running, options?.signal), options)
    },
    stop,
    [Symbol.asyncDispose]: stop,

    async isRunning() {
      const work = ready?.host.health() ?? { active: 0, queued: 0, models: [] }
      return { running: state === 'running', state, ...work }
    },

    async *chat(request, options) {
      const current = engine()
      assertSupported(request)
      const leaving = new AbortController()
      const signals = [leaving.signal, current.stopping.signal, ...(options?.signal ? [options.signal] : [])]
      const tally: Tally = { usage: {}, timings: {}, answered: false }
      try {
        options?.signal?.throwIfAborted()
        const file = await findWriter(request.model)
        const { contextLength } = settings
        const parts = runChat({
          host: current.host,
          file,
          request,
          signal: AbortSignal.any(signals),
          tally,
          ...(contextLength !== undefined && { contextLength }),
        })
        yield* guard(parts, tally, current.stopping.signal)
      } catch (error) {
        if (!options?.signal?.aborted) throw toLmappError(error, tally, current.stopping.signal)
        yield { type: 'finish', reason: 'cancelled', usage: tally.usage, timings: tally.timings }
      } finally {
        leaving.abort()
      }
    },

    async listModels() {
      const files = await folder.list()
      return files.map((file) => ({ ...toModelInfo(file), loaded: ready?.host.isReady(file.id) ?? false }))
    },

    async showModel(model) {
      const file = await find(model)
      const template = chatTemplate(file.head)
      const loaded = ready?.host.isReady(model) ?? false
      return { ...toModelInfo(file), loaded, ...(template !== undefined && { template }) }
    },

    async getInfo() {
      return toInfo(settings, engineVersion)
    },

    async embed({ model, input }, options) {
      engine()
      if (input.length === 0) return { vectors: [], inputTokens: 0 }
      return await withModel(
        () => findEmbedder(model),
        options,
        ({ loaded }, signal) => embedTexts(loaded, input, signal),
      )
    },

    async countTokens(request, options) {
      return await whileRunning(options, async ({ host, runtime }, signal) => {
        assertSupported(request)
        const file = await findWriter(request.model)
        const hold = host.useIfReady(file)
        if (hold === undefined) {
          await using vocabulary = await openVocabulary(runtime, file, signal)
          return await countPrompt(vocabulary, request, signal)
        }
        try {
          return await countPrompt(hold.loaded, request, signal)
        } finally {
          hold.release()
        }
      })
    },

    async loadModel(model, options) {
      await withModel(
        () => find(model),
        options,
        async ({ loaded }) => {
          if (writesText(loaded.file.head)) await loaded.sequences.prepare()
        },
      )
    },

    async unloadModel(model) {
      const { host } = engine()
      await folder.find(model)
      await host.unload(model)
    },
  }
}

async function countPrompt(reader: Reader, request: ChatRequest, signal: AbortSignal): Promise<TokenCount> {
  const { tokens } = await preparePrompt(reader, request, signal)
  return { tokens: tokens.length, exact: true }
}

async function openEngine(
  settings: EmbeddedConfig,
  surroundings: EmbeddedSurroundings & Required<Pick<EmbeddedSurroundings, 'log'>>,
): Promise<Running> {
  const threads = countThreads(settings.threads)
  const runtime = await openRuntime({ ...settings, threads, log: surroundings.log })
  const host = createModelHost({
    runtime,
    parallel: settings.parallel,
    idleUnloadMs: settings.idleUnloadMs,
    availableMemory: surroundings.availableMemory ?? (() => process.availableMemory()),
    onStateChanged: surroundings.stateChanged ?? (() => {}),
    onError: (error) => surroundings.log('error', `A model was not unloaded: ${String(error)}`),
  })
  return { runtime, host, stopping: new AbortController() }
}

/** An abort as the error that every method but `chat` ends with. */
async function typed<T>(work: Promise<T>, options: CallOptions | undefined): Promise<T> {
  try {
    return await work
  } catch (cause) {
    if (isLmappError(cause) || !options?.signal?.aborted) throw cause
    throw toCancelled(cause)
  }
}

function toCancelled(cause: unknown): LmappError {
  return new LmappError('cancelled', 'It was cancelled.', { cause })
}

/** Notes whether a part of the answer has left, and never calls a stopped backend a cancelled chat. */
async function* guard(
  parts: AsyncIterable<Part>,
  tally: Tally,
  stopping: AbortSignal,
): AsyncGenerator<Part, void, void> {
  for await (const part of parts) {
    if (part.type === 'text-delta' || part.type === 'reasoning-delta') tally.answered = true
    if (part.type === 'finish' && part.reason === 'cancelled') stopping.throwIfAborted()
    yield part
  }
}

function assertSupported(request: ChatRequest): void {
  const refuse = (what: string, capability: string): never => {
    throw new LmappError('unsupported', `The embedded backend ${what}.`, { details: { capability } })
  }
  if (request.messages.length === 0) throw new LmappError('bad-input', 'There is no message to answer.')
  if (request.tools && request.tools.length > 0) refuse('calls no tools', 'tools')
  if (!request.continue) return
  if (request.schema) refuse('continues no answer under a JSON schema', 'continue')
  if (request.messages.at(-1)?.role !== 'assistant') {
    throw new LmappError('bad-input', 'Only an answer can be continued: the last message must be the assistant’s.')
  }
}

function toLmappError(error: unknown, tally: Tally, stopping: AbortSignal): unknown {
  if (stopping.aborted) return stopping.reason
  if (isLmappError(error)) return error
  const message = error instanceof Error ? error.message : String(error)
  return new LmappError(tally.answered ? 'engine-died' : 'engine-failed', `llama.cpp failed: ${message}`, {
    cause: error,
  })
}

function toInfo({ parallel }: EmbeddedConfig, engineVersion: string | undefined): BackendInfo {
  return {
    name: 'embedded',
    version,
    interfaceVersion,
    ...(engineVersion !== undefined && { engineVersion }),
    description: 'llama.cpp inside lmapp',
    capabilities: {
      chat: 'yes',
      continue: 'yes',
      'json-schema': 'yes',
      reasoning: 'yes',
      'count-tokens': 'yes',
      load: 'yes',
      unload: 'yes',
      tools: 'no',
      vision: 'no',
      logprobs: 'no',
      embed: 'yes',
      pull: 'no',
      remove: 'no',
      parallel,
    },
  }
}
