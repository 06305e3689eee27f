import { type Backend, type CallOptions, fromBatches, isLmappError, LmappError, toBatches } from 'lmapp-kit'
import { createOpenChats } from '../external/index.ts'
import { afterSteps, type PartSteps } from '../openai-wire/index.ts'

export interface AutomaticOptions {
  /** Of somebody else, at the usual ports. */
  attached: Backend
  /** Started here where nobody answers there. */
  managed: Backend
  /** Whether the program is on this machine. */
  isInstalled(): Promise<boolean>
}

/** A llama-server without an entry in the configuration: the one that runs, else one that is started for a named model. */
export function createAutomaticLlamaServerBackend({ attached, managed, isInstalled }: AutomaticOptions): Backend {
  const chats = createOpenChats()

  const choose = async (call: CallOptions): Promise<Backend> => {
    try {
      await attached.start(call)
      return attached
    } catch (error) {
      if (!isAbsence(error) || !(await isInstalled())) throw error
      await managed.start(call)
      return managed
    }
  }

  /** Whether a model, or any, is in one of our processes. */
  const runsHere = async (model?: string): Promise<boolean> => {
    const { models } = await managed.isRunning()
    return models.some(({ id, state }) => state !== 'unloaded' && (model === undefined || id === model))
  }

  const chooseFor = async (model: string, call: CallOptions) => ((await runsHere(model)) ? managed : choose(call))

  const ask = async <T>(
    model: string,
    call: CallOptions,
    method: 'embed' | 'countTokens' | 'loadModel' | 'unloadModel' | 'showModel',
    run: (backend: Backend) => Promise<T> | undefined,
  ): Promise<T> => {
    const asked = run(await chooseFor(model, call))
    if (asked) return asked
    throw new LmappError('unsupported', 'A llama-server that lmapp did not start does not do this.', {
      details: { method },
    })
  }

  const backend: Backend = {
    async start(call = {}) {
      await choose(call)
    },
    async stop() {
      chats.stop('llama-server')
      await Promise.all([attached.stop(), managed.stop()])
    },
    async isRunning(call = {}) {
      const health = await managed.isRunning()
      return health.state === 'stopped' ? attached.isRunning(call) : health
    },
    chat(request, { signal } = {}) {
      // biome-ignore lint/correctness/useYield: it says nothing of what it does, and only returns who goes on.
      const choosing = async function* (ended: AbortSignal): PartSteps {
        const chosen = await chooseFor(request.model, { signal: ended })
        return toBatches(chosen.chat(request, { signal: ended }))
      }
      return chats.run(request.model, signal, (ended) => fromBatches(afterSteps(choosing(ended))))
    },
    async listModels(call = {}) {
      try {
        return await attached.listModels(call)
      } catch (error) {
        if (!isAbsence(error) || !(await isInstalled())) throw error
        return (await managed.listModels(call)).filter(({ loaded }) => loaded)
      }
    },
    async getInfo(call = {}) {
      return (await runsHere()) ? managed.getInfo(call) : attached.getInfo(call)
    },
    showModel: (model, call = {}) => ask(model, call, 'showModel', (chosen) => chosen.showModel?.(model, call)),
    embed: (request, call = {}) => ask(request.model, call, 'embed', (chosen) => chosen.embed?.(request, call)),
    countTokens: (request, call = {}) =>
      ask(request.model, call, 'countTokens', (chosen) => chosen.countTokens?.(request, call)),
    loadModel: (model, call = {}) => ask(model, call, 'loadModel', (chosen) => chosen.loadModel?.(model, call)),
    unloadModel: (model, call = {}) => ask(model, call, 'unloadModel', (chosen) => chosen.unloadModel?.(model, call)),
    async [Symbol.asyncDispose]() {
      await backend.stop()
      await Promise.all([attached[Symbol.asyncDispose](), managed[Symbol.asyncDispose]()])
    },
  }
  return backend
}

function isAbsence(error: unknown): boolean {
  return isLmappError(error, 'backend-unreachable') || isLmappError(error, 'backend-not-identified')
}
