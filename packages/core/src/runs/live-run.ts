import type {
  AnswerState,
  NumberedRunEvent,
  RunEnd,
  RunEvent,
  RunSnapshot,
  RunStart,
  Status,
  TextDelta,
  ToolCall,
} from 'lmapp-kit'
import type { Id, Owner } from '../store/store.ts'
import { EventLog } from './event-log.ts'
import { GrowingText } from './growing-text.ts'
import type { ReadOptions, Run } from './run.ts'

export interface LiveRunOptions {
  id: Id
  owner: Owner
  conversation: Id | undefined
  message: Id
  model: string
  /** What earlier runs of the same message wrote. */
  earlier?: { text: string; reasoning: string; toolCalls: ToolCall[] }
  /** `false`: what its readers have read is not kept, and a slow reader holds the engine back. Default true. */
  replay?: boolean
  /** Called once when somebody cancels. */
  onCancel: () => void
  /** Called whenever a reader has left, and nobody reads any more. */
  onUnread?: () => void
}

/** A run as its readers see it: what it has come to, and every event in order for whoever may still read it. */
export class LiveRun implements Run {
  readonly id: Id
  readonly owner: Owner
  readonly conversation: Id | undefined
  readonly message: Id
  readonly ended: Promise<RunEnd>
  #model: string
  readonly #text: GrowingText
  readonly #reasoning: GrowingText
  #toolCalls: ToolCall[]
  #status: Status | undefined
  #end: RunEnd | undefined
  #cancelled = false
  #bytes = 0
  readonly #log: EventLog
  readonly #onCancel: () => void
  readonly #resolveEnded: (end: RunEnd) => void

  constructor(options: LiveRunOptions) {
    this.id = options.id
    this.owner = options.owner
    this.conversation = options.conversation
    this.message = options.message
    this.#model = options.model
    this.#text = new GrowingText(options.earlier?.text)
    this.#reasoning = new GrowingText(options.earlier?.reasoning)
    this.#toolCalls = [...(options.earlier?.toolCalls ?? [])]
    this.#log = new EventLog({
      replay: options.replay ?? true,
      snapshot: () => this.#snapshot(),
      end: () => this.#end,
      onUnread: options.onUnread,
    })
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
    return this.#log.seq
  }
  get end(): RunEnd | undefined {
    return this.#end
  }
  /** The answer so far, earlier runs included. */
  get text(): string {
    return this.#text.value
  }
  get toolCalls(): readonly ToolCall[] {
    return this.#toolCalls
  }
  /** Whether nothing is kept for anybody, and its readers, after it had any, are through. */
  get isThrough(): boolean {
    return this.#log.isThrough
  }
  /** About what its events take up in memory. */
  get bytes(): number {
    return this.#bytes
  }

  /** Nothing after this place is thrown away, whoever has read it. */
  keepAfter(place: () => number): void {
    this.#log.keptAfter = place
  }

  /** Returns a promise where a reader has to catch up first. It never rejects. */
  emit(event: RunEvent): Promise<void> | undefined {
    this.#note(event)
    return this.#log.push(event)
  }

  async *events(options: ReadOptions = {}): AsyncGenerator<NumberedRunEvent> {
    for await (const batch of this.batches(options)) {
      for (const numbered of batch) {
        if (options.signal?.aborted) return
        yield numbered
      }
    }
  }

  batches(options?: ReadOptions): AsyncGenerator<readonly NumberedRunEvent[]> {
    return this.#log.batches(options)
  }

  cancel(): Promise<RunEnd> {
    if (!this.#cancelled && !this.#end) {
      this.#cancelled = true
      this.#log.free()
      this.#onCancel()
    }
    return this.ended
  }

  #note(event: RunEvent): void {
    this.#bytes += bytesOfEvent
    switch (event.type) {
      case 'text-delta':
        this.#text.add(event.text)
        this.#bytes += event.text.length + (event.logprobs ? bytesOfLogprobs(event.logprobs) : 0)
        return
      case 'reasoning-delta':
        this.#reasoning.add(event.text)
        this.#bytes += event.text.length
        return
      case 'tool-call':
        this.#toolCalls.push(event)
        this.#bytes += event.arguments.length
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
      text: this.#text.value,
      reasoning: this.#reasoning.value,
      toolCalls: [...this.#toolCalls],
      ...(this.#status && !this.#end && { status: this.#status }),
    }
  }
}

/** An event, its number and their places in lists, without its text. */
const bytesOfEvent = 160

function bytesOfLogprobs(logprobs: NonNullable<TextDelta['logprobs']>): number {
  return 80 * logprobs.reduce((count, { top = [] }) => count + 1 + top.length, 0)
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
