import {
  type Backend,
  type BackendInfo,
  type CallOptions,
  type Capabilities,
  type ChatRequest,
  fromBatches,
  interfaceVersion,
  LmappError,
  type Part,
  toBatches,
} from 'lmapp-kit'
import { createOpenChats } from '../external/index.ts'
import { assertWellFormed, oneByOne } from '../openai-wire/index.ts'
import { createSupervisor, type Held } from '../processes/index.ts'
import { mostTokens, withUsefulHint } from '../text-measure/index.ts'
import { describeFile } from './describe-file.ts'
import { type EngineEnd, explainEnd, withLogOf } from './explain-end.ts'
import type { MemoryBudget } from './memory-budget.ts'
import type { ModelFile, ModelFiles } from './model-file.ts'
import type { LaunchOptions, Lease } from './model-process.ts'
import { createModelProcesses } from './model-processes.ts'
import { inPhaseOrder } from './phase-order.ts'
import type { MemoryPlan } from './plan-memory.ts'
import { streamLease, type Waiting } from './stream-lease.ts'
import { trainedFor, usuallyWanted, wantedBy, withSize } from './wanted-context.ts'

/** A running process with one model. */
export interface ModelEngine extends Held {
  /** Speaks to it; disposed when the process has ended. */
  readonly backend: Backend
  /** What the model is called there. */
  readonly modelName: string
  readonly ended: Promise<EngineEnd>
}

/** The program behind the processes, as it was found. */
export interface EngineProgram {
  path: string
  version?: string
}

export interface ManagedBackendOptions {
  /** Of the backend. */
  id: string
  /** Of the engine, for people. */
  engine: string
  models: ModelFiles
  budget: MemoryBudget
  /** Looks at the program, without a model. Throws `backend-start-failed`. */
  findProgram(signal: AbortSignal): Promise<EngineProgram>
  launch(model: ModelFile, plan: MemoryPlan, options: LaunchOptions): Promise<ModelEngine>
  /** Tokens of every chat's context, where the user fixed them. */
  fixedContext?: number | undefined
  /** Chats side by side, where there is memory for them. Default 2. */
  slots?: number | undefined
  /** Milliseconds that a load may say nothing before whoever waits gives it up. */
  loadMs?: number | undefined
  /** Waits between crashes; see the supervisor. */
  waitForRestart?: ((milliseconds: number, signal: AbortSignal) => Promise<void>) | undefined
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
  load: 'yes',
  unload: 'yes',
}

/**
 * An engine that runs one process for each model, started here when it is needed. Creating touches nothing; `start` looks
 * at the program only, and a chat starts what it needs.
 */
export function createManagedBackend(options: ManagedBackendOptions): Backend {
  const { id, models } = options
  const chats = createOpenChats()
  const processes = createModelProcesses<ModelEngine>({
    name: id,
    budget: options.budget,
    launch: options.launch,
    slots: options.slots ?? 2,
    ...(options.waitForRestart && { wait: options.waitForRestart }),
    longestSilenceMs: options.loadMs,
  })
  const lifecycle = createSupervisor({
    name: id,
    launch: async (signal) => openLife(await options.findProgram(signal), processes.stop),
    // Looking once more whether a program is there costs nothing.
    wait: async () => {},
  })
  let stopped = new AbortController()
  /** Chats that have their process. */
  let leased = 0

  const start = async (signal: AbortSignal | undefined): Promise<void> => {
    try {
      await lifecycle.acquire(signal)
    } catch (error) {
      if (!signal?.aborted || error !== signal.reason) throw error
      throw new LmappError('cancelled', `The start of "${id}" was cancelled.`, { cause: error })
    }
  }

  async function* answer(request: ChatRequest, signal: AbortSignal): AsyncGenerator<readonly Part[], void, undefined> {
    assertWellFormed(request)
    await lifecycle.acquire(signal)
    const file = await withSize(await models.find(request.model))
    const wanted = wantedBy(request, file, options.fixedContext)
    const acquire = (waiting: Waiting) => processes.acquire(file, { ...wanted, ...waiting })
    using lease = yield* oneByOne(streamLease((waiting) => withLogOf(id, acquire(waiting)), signal))
    leased += 1
    let answered = false
    try {
      const asked = { ...request, model: lease.engine.modelName }
      for await (const batch of toBatches(lease.engine.backend.chat(asked, { signal }))) {
        answered ||= batch.some(({ type }) => type.endsWith('-delta') || type === 'tool-call')
        const last = batch.at(-1)
        if (last?.type === 'finish' && last.reason !== 'cancelled') lease.succeeded()
        yield batch
      }
    } catch (error) {
      const explained = await explainEnd(error, { id, lease, answered, signal })
      throw withUsefulHint(explained, lease.plan.contextLength >= trainedFor(file))
    } finally {
      leased -= 1
    }
  }

  const withEngine = async <T>(
    model: string,
    call: CallOptions,
    ask: (lease: Lease<ModelEngine>, call: CallOptions) => Promise<T>,
  ): Promise<T> => {
    const signal = call.signal ? AbortSignal.any([call.signal, stopped.signal]) : stopped.signal
    await start(call.signal)
    const file = await withSize(await models.find(model))
    const wanted = { ...usuallyWanted(file, options.fixedContext), signal }
    using lease = await withLogOf(id, processes.acquire(file, wanted))
    try {
      return await ask(lease, { signal })
    } catch (error) {
      throw await explainEnd(error, { id, lease, answered: false, signal })
    }
  }

  const describe = async (file: ModelFile, call: CallOptions) => {
    const engine = processes.current(file.id)
    const said = await engine?.backend.showModel?.(engine.modelName, call).catch(() => undefined)
    return describeFile(file, { loaded: engine !== undefined, said })
  }

  /** What was asked for by a name that is in no list, and has a process now. */
  const findOthersHere = async (listed: readonly ModelFile[]): Promise<ModelFile[]> => {
    const here = processes.states.filter(
      ({ state, model }) => state !== 'unloaded' && !listed.some(({ id }) => id === model),
    )
    const found = here.map(({ model }) => models.find(model).catch(() => undefined))
    return (await Promise.all(found)).filter((file) => file !== undefined)
  }

  const backend: Backend = {
    start: ({ signal } = {}) => start(signal),
    async stop() {
      const message = `The backend "${id}" was stopped.`
      chats.stop(id, message)
      stopped.abort(new LmappError('backend-stopped', message))
      stopped = new AbortController()
      await lifecycle.stop()
    },
    async isRunning() {
      const { state, failure } = lifecycle
      const degraded = processes.failure ?? failure
      return {
        running: state === 'running',
        state,
        ...(degraded !== undefined && { degraded }),
        active: leased,
        queued: Math.max(0, chats.list.length - leased),
        models: processes.states.map(({ model, ...health }) => ({ id: model, ...health })),
      }
    },
    chat(request, { signal } = {}) {
      return chats.run(request.model, signal, (ended) => fromBatches(inPhaseOrder(answer(request, ended))))
    },
    async listModels(call = {}) {
      const listed = await models.list()
      const files = [...listed, ...(await findOthersHere(listed))]
      return Promise.all(files.map((file) => describe(file, call)))
    },
    async showModel(name, call = {}) {
      return describe(await models.find(name), call)
    },
    async getInfo() {
      return toInfo(options, lifecycle.current?.program)
    },
    embed: ({ model, input }, call = {}) =>
      withEngine(model, call, async ({ engine }, bounded) => {
        if (engine.backend.embed) return engine.backend.embed({ model: engine.modelName, input }, bounded)
        throw new LmappError('unsupported', `${options.engine} does not embed.`, { details: { capability: 'embed' } })
      }),
    async countTokens(request, call = {}) {
      const engine = processes.current((await models.find(request.model)).id)
      const counted = await engine?.backend.countTokens?.({ ...request, model: engine.modelName }, call)
      return counted ?? { tokens: mostTokens(request), exact: false }
    },
    loadModel: (model, call = {}) => withEngine(model, call, async () => {}),
    async unloadModel(model) {
      await processes.unload((await models.find(model)).id)
    },
    [Symbol.asyncDispose]: () => backend.stop(),
  }
  return backend
}

/** From the look at the program until `stop`. */
function openLife(program: EngineProgram, stop: () => Promise<void>): Held & { program: EngineProgram } {
  const { promise, resolve } = Promise.withResolvers<{ kind: string; message: string }>()
  return {
    program,
    ended: promise,
    async close() {
      await stop()
      resolve({ kind: 'stopped', message: '' })
    },
  }
}

function toInfo({ engine }: ManagedBackendOptions, program: EngineProgram | undefined): BackendInfo {
  return {
    name: engine,
    version: '0.1.0',
    interfaceVersion,
    ...(program?.version !== undefined && { engineVersion: program.version }),
    description: program ? `${engine}, started by lmapp: ${program.path}` : `${engine}, started by lmapp`,
    capabilities,
  }
}
