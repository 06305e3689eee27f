import { isLmappError, LmappError } from 'lmapp-kit'
import type { Held } from '../processes/index.ts'
import type { ModelFile } from './model-file.ts'
import {
  type AcquireOptions,
  createModelProcess,
  type Lease,
  type ModelProcess,
  type ModelProcessOptions,
  type ModelProcessState,
} from './model-process.ts'

export type ModelProcessesOptions<Engine extends Held> = Omit<ModelProcessOptions<Engine>, 'onFailure'>

/** One process for each model, started when it is needed, several side by side as far as the memory allows. */
export interface ModelProcesses<Engine extends Held> {
  /** Two at once share one start. Throws what `launch` does, `model-too-large`, `backend-stopped` and `cancelled`. */
  acquire(model: ModelFile, options: AcquireOptions<Engine>): Promise<Lease<Engine>>
  /** Ends the process of a model, whoever uses it. */
  unload(model: string): Promise<void>
  /** Ends all; whoever waits gets `backend-stopped`. Idempotent. */
  stop(): Promise<void>
  /** The running process of a model. */
  current(model: string): Engine | undefined
  readonly states: ModelProcessState[]
  /** Why the last one that ended by itself, or did not start, did so; until one starts well. */
  readonly failure: string | undefined
}

export function createModelProcesses<Engine extends Held>(
  options: ModelProcessesOptions<Engine>,
): ModelProcesses<Engine> {
  /** A name may come to mean another file. */
  const processes = new Map<string, { model: string; process: ModelProcess<Engine> }>()
  let stopping = new AbortController()
  let failure: string | undefined

  const processOf = (model: ModelFile): ModelProcess<Engine> => {
    const key = JSON.stringify([model.id, model.path])
    const known = processes.get(key)
    if (known) return known.process
    const onFailure = (message: string | undefined) => {
      failure = message
    }
    const process = createModelProcess(model, { ...options, onFailure })
    processes.set(key, { model: model.id, process })
    return process
  }

  const named = (model: string) =>
    [...processes.values()].filter((each) => each.model === model).map(({ process }) => process)

  return {
    async acquire(model, request) {
      const signal = request.signal ? AbortSignal.any([request.signal, stopping.signal]) : stopping.signal
      try {
        return await processOf(model).acquire(model, request, signal)
      } catch (error) {
        if (!request.signal?.aborted || isLmappError(error)) throw error
        throw new LmappError('cancelled', `The start of ${model.id} was not waited for.`, { cause: error })
      }
    },
    async unload(model) {
      await Promise.all(named(model).map((process) => process.end()))
    },
    async stop() {
      stopping.abort(new LmappError('backend-stopped', `The backend "${options.name}" was stopped.`))
      stopping = new AbortController()
      await Promise.all([...processes.values()].map(({ process }) => process.end()))
      failure = undefined
    },
    current: (model) => named(model).find(({ current }) => current !== undefined)?.current,
    get states() {
      return [...processes.values()].map(({ process }) => process.state)
    },
    get failure() {
      return failure
    },
  }
}
