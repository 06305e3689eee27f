import { setImmediate as nextTurn } from 'node:timers/promises'
import type { ModelInfo, PullProgress } from '../../backend.ts'
import { LmappError } from '../../errors/lmapp-error.ts'
import { toModelCapabilities } from './capabilities.ts'
import { toCancelled } from './lifecycle.ts'
import type { MockScript } from './mock-script.ts'
import { toContextLength } from './plan-answer.ts'

const modelBytes = 1024 * 1024
const pullSteps = 4

/** The models that are scripted, and which of them are there: a list only, nothing is fetched. */
export class Shelf {
  readonly #scripts: ReadonlyMap<string, MockScript>
  readonly #installed: Set<string>

  constructor(scripts: ReadonlyMap<string, MockScript>) {
    this.#scripts = scripts
    this.#installed = new Set([...scripts].filter(([, script]) => script.installed !== false).map(([id]) => id))
  }

  get ids(): string[] {
    return [...this.#scripts.keys()].filter((id) => this.#installed.has(id))
  }

  /** Throws `model-not-found`. */
  get(id: string): MockScript {
    const script = this.#scripts.get(id)
    if (script && this.#installed.has(id)) return script
    throw toNotFound(id, this.ids)
  }

  describe(id: string): Omit<ModelInfo, 'loaded'> {
    const script = this.get(id)
    return {
      id,
      sizeBytes: modelBytes,
      family: 'mock',
      contextLength: toContextLength(script),
      capabilities: toModelCapabilities(script),
      license: 'MIT',
    }
  }

  /** Throws `model-not-found` or `cancelled`. */
  async *pull(id: string, signal: AbortSignal | undefined): AsyncGenerator<PullProgress> {
    if (!this.#scripts.has(id)) throw toNotFound(id, [...this.#scripts.keys()])
    for (let step = 0; step <= pullSteps && !this.#installed.has(id); step += 1) {
      if (signal?.aborted) throw toCancelled(signal)
      const done = (modelBytes / pullSteps) * step
      yield { status: `pulling ${id}`, progress: { done, total: modelBytes, unit: 'bytes' } }
      await nextTurn()
    }
    if (signal?.aborted) throw toCancelled(signal)
    this.#installed.add(id)
    yield { status: 'success', done: true }
  }

  /** Throws `model-not-found`. */
  remove(id: string): void {
    this.get(id)
    this.#installed.delete(id)
  }
}

function toNotFound(id: string, known: string[]): LmappError {
  return new LmappError('model-not-found', `The mock has no model named "${id}".`, { details: { name: id, known } })
}
