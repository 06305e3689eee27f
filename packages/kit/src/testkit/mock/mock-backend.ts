import type { CallOptions, CountRequest, Embedding, PullProgress, TokenCount } from '../../backend.ts'
import { type Backend, type BackendInfo, type Health, interfaceVersion, type ModelInfo } from '../../backend.ts'
import type { ChatRequest } from '../../chat-request.ts'
import { LmappError } from '../../errors/lmapp-error.ts'
import type { Part } from '../../part.ts'
import { toBackendCapabilities } from './capabilities.ts'
import { chat, type Tally, toFinish } from './chat.ts'
import { type Clock, realClock } from './clock.ts'
import { defaultMockModels } from './default-models.ts'
import { toVector } from './embed.ts'
import { Lifecycle, toCancelled } from './lifecycle.ts'
import type { MockFault, MockScript } from './mock-script.ts'
import { type MockBehaviour, parseMockBehaviour, parseMockModels } from './parse-script.ts'
import { assertCallsTools } from './plan-answer.ts'
import { Shelf } from './shelf.ts'
import { countPromptTokens, toTokens } from './tokens.ts'

export interface MockOptions {
  /** A `MockScript` for each model, as JSON. Default: `defaultMockModels`. */
  models?: Record<string, unknown> | undefined
  /** A `MockBehaviour`, as JSON. */
  config?: Record<string, unknown> | undefined
  clock?: Clock
}

/** The reference backend: in memory, scripted, the same answer to the same request. Throws `config-invalid`. */
export function createMockBackend(options: MockOptions = {}): Required<Backend> {
  const scripts = parseMockModels(options.models ?? defaultMockModels)
  return new MockBackend(scripts, parseMockBehaviour(options.config ?? {}), options.clock ?? realClock)
}

class MockBackend implements Required<Backend> {
  readonly #info: BackendInfo
  readonly #shelf: Shelf
  readonly #lifecycle: Lifecycle
  readonly #clock: Clock
  /** Chats that met the fault of their model, by model. */
  readonly #faults = new Map<string, number>()
  #calls = 0

  constructor(scripts: ReadonlyMap<string, MockScript>, behaviour: MockBehaviour, clock: Clock) {
    this.#info = {
      name: 'mock',
      version: '1.0.0',
      interfaceVersion,
      description: 'Scripted answers, no engine',
      capabilities: toBackendCapabilities(scripts.values()),
    }
    this.#shelf = new Shelf(scripts)
    this.#lifecycle = new Lifecycle(clock, behaviour)
    this.#clock = clock
  }

  start(options: CallOptions = {}): Promise<void> {
    return this.#lifecycle.start(options.signal)
  }

  async stop(): Promise<void> {
    this.#lifecycle.stop()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async isRunning(): Promise<Health> {
    const { state, session } = this.#lifecycle
    const slots = session?.runtimes.map((runtime) => runtime.slots) ?? []
    return {
      running: state === 'running',
      state,
      active: slots.reduce((sum, { active }) => sum + active, 0),
      queued: slots.reduce((sum, { queued }) => sum + queued, 0),
      models: this.#shelf.ids.map((id) => session?.find(id)?.loader.health ?? { id, state: 'unloaded' }),
    }
  }

  async *chat(request: ChatRequest, options: CallOptions = {}): AsyncGenerator<Part> {
    const tally: Tally = { usage: {}, timings: {} }
    if (options.signal?.aborted) return yield toFinish('cancelled', tally)
    const session = this.#lifecycle.requireSession()
    const script = this.#shelf.get(request.model)
    const signal = options.signal ? AbortSignal.any([session.signal, options.signal]) : session.signal
    const setting = {
      script,
      runtime: session.runtime(request.model, script),
      clock: this.#clock,
      fault: this.#takeFault(request.model, script),
      signal,
      nextCallId: () => this.#nextCallId(),
    }
    try {
      yield* chat(request, setting, tally)
    } catch (error) {
      if (!options.signal?.aborted || error !== signal.reason) throw error
      yield toFinish('cancelled', tally)
    }
  }

  async listModels(): Promise<ModelInfo[]> {
    return this.#shelf.ids.map((id) => this.#describe(id))
  }

  async showModel(model: string): Promise<ModelInfo> {
    return this.#describe(model)
  }

  async getInfo(): Promise<BackendInfo> {
    return this.#info
  }

  async embed({ model, input }: { model: string; input: string[] }): Promise<Embedding> {
    this.#lifecycle.requireSession()
    const dimensions = this.#shelf.get(model).embedDimensions
    if (dimensions === undefined) throw new LmappError('unsupported', 'This model of the mock cannot embed.')
    const inputTokens = input.reduce((sum, text) => sum + toTokens(text).length, 0)
    return { vectors: input.map((text) => toVector(text, dimensions)), inputTokens }
  }

  async countTokens(request: CountRequest): Promise<TokenCount> {
    assertCallsTools(this.#shelf.get(request.model), request)
    return { tokens: countPromptTokens(request), exact: true }
  }

  async loadModel(model: string, options: CallOptions = {}): Promise<void> {
    const session = this.#lifecycle.requireSession()
    const { loader } = session.runtime(model, this.#shelf.get(model))
    const signal = options.signal ? AbortSignal.any([session.signal, options.signal]) : session.signal
    try {
      for await (const _ of loader.load(signal)) signal.throwIfAborted()
    } catch (error) {
      throw options.signal?.aborted && error === signal.reason ? toCancelled(signal) : error
    }
  }

  async unloadModel(model: string): Promise<void> {
    this.#shelf.get(model)
    await this.#lifecycle.session?.find(model)?.loader.unload()
  }

  pullModel(model: string, options: CallOptions = {}): AsyncIterable<PullProgress> {
    return this.#shelf.pull(model, options.signal)
  }

  async removeModel(model: string): Promise<void> {
    this.#shelf.remove(model)
    await this.#lifecycle.session?.find(model)?.loader.unload()
  }

  #describe(id: string): ModelInfo {
    const health = this.#lifecycle.session?.find(id)?.loader.health
    return { ...this.#shelf.describe(id), loaded: health?.state === 'ready' }
  }

  #takeFault(id: string, { fault }: MockScript): MockFault | undefined {
    const met = this.#faults.get(id) ?? 0
    if (fault === undefined || met >= (fault.times ?? Number.POSITIVE_INFINITY)) return undefined
    this.#faults.set(id, met + 1)
    return fault
  }

  #nextCallId(): string {
    this.#calls += 1
    return `call-${this.#calls}`
  }
}
