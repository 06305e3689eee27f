import type { BackendState } from '../../backend.ts'
import { LmappError } from '../../errors/lmapp-error.ts'
import { untilAborted } from '../../streams/until-aborted.ts'
import type { Clock } from './clock.ts'
import type { MockScript } from './mock-script.ts'
import { ModelLoader } from './model-loader.ts'
import type { MockBehaviour } from './parse-script.ts'
import { Slots } from './slots.ts'

export interface ModelRuntime {
  loader: ModelLoader
  slots: Slots
}

/** What lives from a start to its stop. Its signal aborts with `backend-stopped`. */
export class Session {
  readonly #controller = new AbortController()
  readonly #runtimes = new Map<string, ModelRuntime>()
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  get runtimes(): ModelRuntime[] {
    return [...this.#runtimes.values()]
  }

  /** Made when the model is first needed. */
  runtime(id: string, script: MockScript): ModelRuntime {
    const known = this.#runtimes.get(id)
    if (known) return known
    const loader = new ModelLoader(id, script.load, this.#clock, this.signal)
    const made = { loader, slots: new Slots(script.parallel ?? 4) }
    this.#runtimes.set(id, made)
    return made
  }

  find(id: string): ModelRuntime | undefined {
    return this.#runtimes.get(id)
  }

  end(): void {
    this.#controller.abort(new LmappError('backend-stopped', 'The mock was stopped.'))
  }
}

/** Starting and stopping. The newest call decides: a stop ends a start that still runs. */
export class Lifecycle {
  readonly #clock: Clock
  readonly #behaviour: MockBehaviour
  #state: BackendState = 'stopped'
  #session: Session | undefined
  #starting: Promise<void> | undefined

  constructor(clock: Clock, behaviour: MockBehaviour) {
    this.#clock = clock
    this.#behaviour = behaviour
  }

  get state(): BackendState {
    return this.#state
  }

  /** Absent unless it runs. */
  get session(): Session | undefined {
    return this.#state === 'running' ? this.#session : undefined
  }

  /** Throws `backend-stopped`. */
  requireSession(): Session {
    if (this.session) return this.session
    throw new LmappError('backend-stopped', 'The mock was not started.')
  }

  async start(signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted) throw toCancelled(signal)
    if (this.#state === 'running') return
    this.#starting ??= this.#begin()
    const starting = this.#starting
    if (signal === undefined) return await starting
    try {
      await untilAborted(starting, signal)
    } catch (error) {
      throw error === signal.reason ? toCancelled(signal) : error
    }
  }

  stop(): void {
    this.#session?.end()
    this.#session = undefined
    this.#starting = undefined
    this.#state = 'stopped'
  }

  async #begin(): Promise<void> {
    const session = new Session(this.#clock)
    this.#session = session
    this.#state = 'starting'
    if (this.#behaviour.startMs) await this.#clock.wait(this.#behaviour.startMs, session.signal)
    this.#starting = undefined
    if (this.#behaviour.startFails) {
      this.#state = 'failed'
      throw new LmappError('backend-start-failed', 'The mock is scripted not to start.')
    }
    this.#state = 'running'
  }
}

export function toCancelled(signal: AbortSignal): LmappError {
  return new LmappError('cancelled', 'It was cancelled.', { cause: signal.reason })
}
