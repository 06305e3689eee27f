import type { NumberedRunEvent, RunEnd, RunEvent, RunSnapshot } from 'lmapp-kit'
import type { ReadOptions } from './run.ts'

export interface EventLogOptions {
  /** `false`: what all readers have read is not kept, and a slow one holds the engine back. */
  replay: boolean
  /** All that happened so far, for who joins. */
  snapshot: () => RunSnapshot
  end: () => RunEnd | undefined
  /** Called whenever a reader has left, and nobody reads any more. */
  onUnread: (() => void) | undefined
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

/** The events of a run in order, for as long as somebody may still read them, and the place of each reader. */
export class EventLog {
  /** While it is there, nothing after this place is thrown away, whoever has read it. */
  keptAfter: (() => number) | undefined
  readonly #options: EventLogOptions
  /** What is kept: all after `#gone`. */
  #events: NumberedRunEvent[] = []
  #gone = 0
  #seq = 0
  #held: PromiseWithResolvers<void> | undefined
  #isFree: boolean
  #hasBeenRead = false
  #isWaking = false
  readonly #readers = new Set<Reader>()

  constructor(options: EventLogOptions) {
    this.#options = options
    this.#isFree = options.replay
  }

  get seq(): number {
    return this.#seq
  }
  /** Whether nothing is kept for anybody, and its readers, after it had any, are through. */
  get isThrough(): boolean {
    return !this.#options.replay && this.#hasBeenRead && this.#readers.size === 0
  }

  /** Returns a promise where a reader has to catch up first. It never rejects. */
  push(event: RunEvent): Promise<void> | undefined {
    this.#seq += 1
    this.#events.push({ seq: this.#seq, event })
    if (this.#readers.size > 0) this.#wakeReaders()
    else if (this.isThrough) this.#forget()
    if (this.#isFree || this.#seq - this.#slowest() <= mostBehind) return undefined
    this.#held ??= Promise.withResolvers()
    return this.#held.promise
  }

  /** From now on nobody is held back. */
  free(): void {
    this.#isFree = true
    this.#letGo()
  }

  async *batches({ from, signal }: ReadOptions = {}): AsyncGenerator<readonly NumberedRunEvent[]> {
    const { end, snapshot } = this.#options
    const joins = from === undefined || from < this.#gone
    // Who joins after the end is told of it too.
    const reader: Reader = { seq: joins ? this.#seq - Number(end() !== undefined) : from, wake: undefined }
    const leave = () => reader.wake?.()
    this.#readers.add(reader)
    this.#hasBeenRead = true
    signal?.addEventListener('abort', leave)
    try {
      if (joins) yield [{ seq: reader.seq, event: snapshot() }]
      while (!signal?.aborted) {
        const batch = this.#take(reader)
        if (batch) yield batch
        else if (end()) return
        else await nextEvent(reader)
      }
    } finally {
      signal?.removeEventListener('abort', leave)
      this.#leave(reader)
    }
  }

  /** What arrives in one turn of the event loop goes to the readers together, at the end of that turn. */
  #wakeReaders(): void {
    if (this.#isWaking) return
    this.#isWaking = true
    process.nextTick(this.#wake)
  }

  readonly #wake = () => {
    this.#isWaking = false
    for (const reader of this.#readers) reader.wake?.()
  }

  #take(reader: Reader): NumberedRunEvent[] | undefined {
    const start = reader.seq - this.#gone
    const batch = this.#events.slice(start, start + longestBatch)
    const last = batch.at(-1)
    if (!last) return this.#lastWord(reader)
    reader.seq = last.seq
    this.#moved()
    return batch
  }

  /** Who joins after the end where nothing was kept. */
  #lastWord(reader: Reader): NumberedRunEvent[] | undefined {
    const event = this.#options.end()
    if (!event || reader.seq >= this.#seq || this.#gone < this.#seq) return undefined
    reader.seq = this.#seq
    return [{ seq: this.#seq, event }]
  }

  #leave(reader: Reader): void {
    this.#readers.delete(reader)
    this.#moved()
    if (this.#readers.size === 0) this.#options.onUnread?.()
  }

  #moved(): void {
    if (this.#options.replay) return
    this.#forget()
    if (this.#held && this.#seq - this.#slowest() <= mostBehind / 2) this.#letGo()
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
}

function nextEvent(reader: Reader): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  reader.wake = () => {
    reader.wake = undefined
    resolve()
  }
  return promise
}
