import { toCancelled } from './fetch-context.ts'
import type { FetchProgress, LibraryModel } from './models.ts'

export type FetchRun = (signal: AbortSignal, report: (step: FetchProgress) => void) => Promise<LibraryModel>

/** One fetch with any number of readers. It ends early when the last of them has left. */
export class SharedFetch {
  readonly #controller = new AbortController()
  readonly #run: FetchRun
  #outcome: Promise<LibraryModel> | undefined
  #latest: FetchProgress | undefined
  #changed = Promise.withResolvers<void>()
  #readers = 0

  constructor(run: FetchRun) {
    this.#run = run
  }

  /** Must be called before `read`, at once: from then on it is not left. */
  enter(): this {
    this.#readers += 1
    return this
  }

  /** The latest step whenever the reader asks, and the model at the end. Returns only after a fetch that nobody reads has stopped. */
  async *read(signal?: AbortSignal): AsyncGenerator<FetchProgress> {
    const outcome = this.#start()
    try {
      let seen: FetchProgress | undefined
      for (;;) {
        const changed = this.#changed.promise
        if (this.#latest && this.#latest !== seen) {
          seen = this.#latest
          yield seen
          continue
        }
        const done = await orAborted(Promise.race([outcome, changed]), signal)
        if (done) return yield { status: `${done.name} is here`, done }
      }
    } finally {
      await this.#leave(outcome)
    }
  }

  /** Nobody reads it any more. */
  get isLeft(): boolean {
    return this.#controller.signal.aborted
  }

  /** Resolves when nothing of it goes on. */
  async settled(): Promise<void> {
    await this.#outcome?.catch(() => undefined)
  }

  #start(): Promise<LibraryModel> {
    this.#outcome ??= this.#run(this.#controller.signal, (step) => this.#report(step))
    this.#outcome.catch(() => undefined)
    return this.#outcome
  }

  #report(step: FetchProgress): void {
    this.#latest = step
    this.#changed.resolve()
    this.#changed = Promise.withResolvers()
  }

  async #leave(outcome: Promise<LibraryModel>): Promise<void> {
    this.#readers -= 1
    if (this.#readers > 0) return
    this.#controller.abort()
    await outcome.catch(() => undefined)
  }
}

/** Rejects as soon as `signal` aborts. */
async function orAborted<Result>(promise: Promise<Result>, signal: AbortSignal | undefined): Promise<Result> {
  if (!signal) return promise
  const aborted = Promise.withResolvers<never>()
  const stop = () => aborted.reject(toCancelled(signal))
  if (signal.aborted) stop()
  signal.addEventListener('abort', stop)
  try {
    return await Promise.race([promise, aborted.promise])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
