import type {
  AnswerState,
  NumberedRunEvent,
  RunEnd,
  RunEvent,
  RunSnapshot,
  RunStart,
  Status,
  ToolCall,
} from 'lmapp-kit'
import type { Id, Owner } from '../store/store.ts'
import type { Run } from './run.ts'

export interface LiveRunOptions {
  id: Id
  owner: Owner
  conversation: Id | undefined
  message: Id
  model: string
  /** What earlier runs of the same message wrote. */
  earlier?: { text: string; reasoning: string; toolCalls: ToolCall[] }
  /** Called once when somebody cancels. */
  onCancel: () => void
}

/** A run as its readers see it: every event is kept in order until the run is forgotten, and each reader has a place. */
export class LiveRun implements Run {
  readonly id: Id
  readonly owner: Owner
  readonly conversation: Id | undefined
  readonly message: Id
  readonly ended: Promise<RunEnd>
  #model: string
  #text: string
  #reasoning: string
  #toolCalls: ToolCall[]
  #status: Status | undefined
  #end: RunEnd | undefined
  #cancelled = false
  readonly #events: NumberedRunEvent[] = []
  readonly #waiting = new Set<() => void>()
  readonly #onCancel: () => void
  readonly #resolveEnded: (end: RunEnd) => void

  constructor(options: LiveRunOptions) {
    this.id = options.id
    this.owner = options.owner
    this.conversation = options.conversation
    this.message = options.message
    this.#model = options.model
    this.#text = options.earlier?.text ?? ''
    this.#reasoning = options.earlier?.reasoning ?? ''
    this.#toolCalls = [...(options.earlier?.toolCalls ?? [])]
    this.#onCancel = options.onCancel
    const { promise, resolve } = Promise.withResolvers<RunEnd>()
    this.ended = promise
    this.#resolveEnded = resolve
  }

  get model(): string {
    return this.#model
  }
  get state(): AnswerState {
    return this.#end?.state ?? 'running'
  }
  get seq(): number {
    return this.#events.length
  }
  get end(): RunEnd | undefined {
    return this.#end
  }
  get cancelled(): boolean {
    return this.#cancelled
  }
  /** The answer so far, earlier runs included. */
  get text(): string {
    return this.#text
  }
  get toolCalls(): readonly ToolCall[] {
    return this.#toolCalls
  }

  emit(event: RunEvent): void {
    this.#note(event)
    this.#events.push({ seq: this.#events.length + 1, event })
    for (const wake of this.#waiting) wake()
    this.#waiting.clear()
  }

  async *events(options: { from?: number; signal?: AbortSignal } = {}): AsyncGenerator<NumberedRunEvent> {
    const { signal } = options
    let next = options.from ?? this.#events.length
    if (options.from === undefined) {
      // Who joins after the end is told of it too.
      if (this.#end) next -= 1
      yield { seq: next, event: this.#snapshot() }
    }
    while (!signal?.aborted) {
      const numbered = this.#events[next]
      if (numbered) {
        next += 1
        yield numbered
      } else if (this.#end) return
      else await this.#nextEvent(signal)
    }
  }

  cancel(): Promise<RunEnd> {
    if (!this.#cancelled && !this.#end) {
      this.#cancelled = true
      this.#onCancel()
    }
    return this.ended
  }

  #note(event: RunEvent): void {
    switch (event.type) {
      case 'text-delta':
        this.#text += event.text
        return
      case 'reasoning-delta':
        this.#reasoning += event.text
        return
      case 'tool-call':
        this.#toolCalls.push(event)
        return
      case 'status':
        this.#status = event
        return
      case 'start':
        this.#model = event.model
        return
      case 'handover':
        this.#model = event.to
        return
      case 'end':
        this.#end = event
        this.#resolveEnded(event)
        return
      case 'warning':
        return
      default:
        event satisfies never
    }
  }

  #snapshot(): RunSnapshot {
    return {
      type: 'snapshot',
      ...toIdentity(this),
      text: this.#text,
      reasoning: this.#reasoning,
      toolCalls: [...this.#toolCalls],
      ...(this.#status && !this.#end && { status: this.#status }),
    }
  }

  #nextEvent(signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const wake = () => {
      signal?.removeEventListener('abort', wake)
      this.#waiting.delete(wake)
      resolve()
    }
    this.#waiting.add(wake)
    signal?.addEventListener('abort', wake, { once: true })
    return promise
  }
}

/** The keys that `start` and `snapshot` share. */
export function toIdentity(run: Run): Omit<RunStart, 'type'> {
  return {
    run: run.id,
    ...(run.conversation !== undefined && { conversation: run.conversation }),
    message: run.message,
    model: run.model,
  }
}
