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

interface Reader {
  /** Of the last event that it was given. */
  seq: number
  wake: (() => void) | undefined
}

/** The most that a reader is given at once. */
const longestBatch = 512
/** Where nothing is kept, a reader that is further behind holds the engine back, until it is half as far behind. */
const mostBehind = 512

/** A run as its readers see it: each reader has a place, and events are kept in order for whoever may still read them. */
export class LiveRun implements Run {
  readonly id: Id
  readonly owner: Owner
  readonly conversation: Id | undefined
  readonly message: Id
  readonly ended: Promise<RunEnd>
  /** While it is there, nothing after this place is thrown away, whoever has read it. */
  keptAfter: (() => number) | undefined
  #model: string
  #text: string
  #reasoning: string
  #toolCalls: ToolCall[]
  #status: Status | undefined
  #end: RunEnd | undefined
  #cancelled = false
  /** What is kept: all after `#gone`. */
  #events: NumberedRunEvent[] = []
  #gone = 0
  #seq = 0
  #bytes = 0
  #held: PromiseWithResolvers<void> | undefined
  #hasBeenRead = false
  #waking = false
  readonly #readers = new Set<Reader>()
  readonly #replay: boolean
  readonly #onCancel: () => void
  readonly #onUnread: (() => void) | undefined
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
    this.#replay = options.replay ?? true
    this.#onCancel = options.onCancel
    this.#onUnread = options.onUnread
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
    return this.#seq
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
  /** Whether nothing is kept for anybody, and its readers, if it ever had one, are through. */
  get isThrough(): boolean {
    return !this.#replay && this.#hasBeenRead && this.#readers.size === 0
  }
  /** About what its events take up in memory. */
  get bytes(): number {
    return this.#bytes
  }

  /** Returns a promise where a reader has to catch up first. It never rejects. */
  emit(event: RunEvent): Promise<void> | undefined {
    this.#note(event)
    this.#seq += 1
    this.#events.push({ seq: this.#seq, event })
    if (this.#readers.size > 0) this.#wakeReaders()
    else if (this.isThrough) this.#forget()
    return this.#replay ? undefined : this.#holdBack()
  }

  async *events(options: ReadOptions = {}): AsyncGenerator<NumberedRunEvent> {
    for await (const batch of this.batches(options)) {
      for (const numbered of batch) {
        if (options.signal?.aborted) return
        yield numbered
      }
    }
  }

  async *batches({ from, signal }: ReadOptions = {}): AsyncGenerator<readonly NumberedRunEvent[]> {
    const joins = from === undefined || from < this.#gone
    // Who joins after the end is told of it too.
    const reader: Reader = { seq: joins ? this.#seq - Number(this.#end !== undefined) : from, wake: undefined }
    const leave = () => reader.wake?.()
    this.#readers.add(reader)
    this.#hasBeenRead = true
    signal?.addEventListener('abort', leave)
    try {
      if (joins) yield [{ seq: reader.seq, event: this.#snapshot() }]
      while (!signal?.aborted) {
        const batch = this.#take(reader)
        if (batch) yield batch
        else if (this.#end) return
        else await this.#nextEvent(reader)
      }
    } finally {
      signal?.removeEventListener('abort', leave)
      this.#leave(reader)
    }
  }

  cancel(): Promise<RunEnd> {
    if (!this.#cancelled && !this.#end) {
      this.#cancelled = true
      this.#letGo()
      this.#onCancel()
    }
    return this.ended
  }

  #note(event: RunEvent): void {
    this.#bytes += bytesOfEvent
    switch (event.type) {
      case 'text-delta':
        this.#text += event.text
        this.#bytes += event.text.length + (event.logprobs ? bytesOfLogprobs(event.logprobs) : 0)
        return
      case 'reasoning-delta':
        this.#reasoning += event.text
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

  /** What arrives in one turn of the event loop goes to the readers together, at the end of that turn. */
  #wakeReaders(): void {
    if (this.#waking) return
    this.#waking = true
    process.nextTick(this.#wake)
  }

  readonly #wake = () => {
    this.#waking = false
    for (const reader of this.#readers) reader.wake?.()
  }

  #take(reader: Reader): NumberedRunEvent[] | undefined {
    const start = reader.seq - this.#gone
    const batch = this.#events.slice(start, start + longestBatch)
    const last = batch.at(-1)
    if (!last) return this.#lastWord(reader)
    reader.seq = last.seq
    if (!this.#replay) this.#forget()
    if (this.#held && this.#seq - this.#slowest() <= mostBehind / 2) this.#letGo()
    return batch
  }

  /** Who joins after the end where nothing was kept. */
  #lastWord(reader: Reader): NumberedRunEvent[] | undefined {
    if (!this.#end || reader.seq >= this.#seq || this.#gone < this.#seq) return undefined
    reader.seq = this.#seq
    return [{ seq: this.#seq, event: this.#end }]
  }

  #leave(reader: Reader): void {
    this.#readers.delete(reader)
    if (this.#held && this.#seq - this.#slowest() <= mostBehind / 2) this.#letGo()
    if (this.#readers.size > 0) return
    if (!this.#replay) this.#forget()
    this.#onUnread?.()
  }

  #holdBack(): Promise<void> | undefined {
    if (this.#cancelled || this.#seq - this.#slowest() <= mostBehind) return undefined
    this.#held ??= Promise.withResolvers()
    return this.#held.promise
  }

  #letGo(): void {
    this.#held?.resolve()
    this.#held = undefined
  }

  /** The place up to which all who read have read. */
  #slowest(): number {
    let slowest = this.#seq
    for (const { seq } of this.#readers) slowest = Math.min(slowest, seq)
    return slowest
  }

  #forget(): void {
    const read = Math.min(this.#slowest(), this.keptAfter?.() ?? this.#seq)
    const count = read - this.#gone
    if (count < longestBatch && count < this.#events.length) return
    this.#events = count === this.#events.length ? [] : this.#events.slice(count)
    this.#gone = read
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

  #nextEvent(reader: Reader): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    reader.wake = () => {
      reader.wake = undefined
      resolve()
    }
    return promise
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
