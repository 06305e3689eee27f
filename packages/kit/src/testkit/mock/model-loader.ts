import type { ModelHealth } from '../../backend.ts'
import { LmappError } from '../../errors/lmapp-error.ts'
import type { Progress } from '../../part.ts'
import { untilAborted } from '../../streams/until-aborted.ts'
import type { Clock } from './clock.ts'
import type { MockScript } from './mock-script.ts'

/** The state of one model. A load belongs to nobody: who leaves does not stop it for the others. */
export class ModelLoader {
  readonly #id: string
  readonly #load: MockScript['load']
  readonly #clock: Clock
  readonly #signal: AbortSignal
  #state: ModelHealth['state'] = 'unloaded'
  #steps = 0
  #running: Promise<void> | undefined
  #moved = Promise.withResolvers<void>()

  /** `signal` ends every load. */
  constructor(id: string, load: MockScript['load'], clock: Clock, signal: AbortSignal) {
    this.#id = id
    this.#load = load
    this.#clock = clock
    this.#signal = signal
  }

  get health(): ModelHealth {
    if (this.#state !== 'loading') return { id: this.#id, state: this.#state }
    return { id: this.#id, state: 'loading', progress: this.#fraction }
  }

  /** Yields how far the load is, whoever began it, until the model is ready. Throws `model-load-failed`. */
  async *load(signal: AbortSignal): AsyncGenerator<Progress> {
    const running = this.#begin()
    if (running === undefined) return
    while (this.#state === 'loading') {
      yield { done: Math.round(this.#fraction * 100), total: 100, unit: 'percent' }
      if (this.#state === 'loading') await untilAborted(this.#moved.promise, signal)
    }
    await running
  }

  async unload(): Promise<void> {
    await this.#running?.catch(() => {})
    this.#state = 'unloaded'
  }

  get #fraction(): number {
    return this.#steps / (this.#load?.steps ?? 1)
  }

  #begin(): Promise<void> | undefined {
    if (this.#state === 'ready') return undefined
    if (this.#load === undefined) {
      this.#state = 'ready'
      return undefined
    }
    if (this.#running === undefined) {
      this.#running = this.#run(this.#load).finally(() => {
        this.#running = undefined
        this.#move()
      })
      this.#running.catch(() => {})
    }
    return this.#running
  }

  async #run(load: NonNullable<MockScript['load']>): Promise<void> {
    this.#state = 'loading'
    this.#steps = 0
    try {
      while (this.#steps < load.steps) {
        await this.#clock.wait(load.stepMs, this.#signal)
        this.#steps += 1
        if (this.#steps < load.steps) this.#move()
      }
    } finally {
      this.#state = 'unloaded'
    }
    if (load.fail) throw new LmappError('model-load-failed', `The mock's model "${this.#id}" is scripted not to load.`)
    this.#state = 'ready'
  }

  #move(): void {
    this.#moved.resolve()
    this.#moved = Promise.withResolvers<void>()
  }
}
