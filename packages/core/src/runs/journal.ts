import type { RunEvent } from 'lmapp-kit'
import type { EndRun, Id, Store } from '../store/store.ts'

/** What arrives is on its way to disk within this many milliseconds. */
export const journalPauseMs = 50
/** More than this many events waiting for the disk hold the engine back. */
const mark = 4_096

/** Writes the events of one run to the store, several at a time, in order. Nothing waits for it unless the disk is slow. */
export interface Journal {
  /** The event's place in the run, counted from 1, comes with it. */
  add(seq: number, event: RunEvent): void
  /** Resolves when there is room for more. Rejects when the store failed. */
  readonly room: Promise<void> | undefined
  /**
   * What is not on its way to the store yet, for who writes it himself: it counts as written once `settle` was called. The
   * journal takes no more.
   */
  takeRest(): EndRun['rest']
  settle(): void
  /** Resolves when all that was sent to the store is written. Rejects when the store failed. */
  readonly written: Promise<void>
  /** Everything up to this place is in the store. */
  readonly writtenSeq: number
}

export function createJournal(store: Store, runId: Id, onFailure: (error: unknown) => void): Journal {
  let waiting: RunEvent[] = []
  let firstSeq = 0
  let lastSeq = 0
  let writtenSeq = 0
  let timer: NodeJS.Timeout | undefined
  let unwritten = 0
  let written: Promise<void> = Promise.resolve()

  const write = (): Promise<void> => {
    clearTimeout(timer)
    timer = undefined
    if (waiting.length === 0) return written
    const events = joinDeltas(waiting)
    const count = waiting.length
    const from = firstSeq
    const to = lastSeq
    waiting = []
    unwritten += count
    written = Promise.all([written, store.appendEvents(runId, from, events)]).then(() => {
      unwritten -= count
      writtenSeq = to
    })
    written.catch(onFailure)
    return written
  }

  return {
    add(seq, event) {
      if (waiting.length === 0) firstSeq = seq
      lastSeq = seq
      waiting.push(event)
      timer ??= setTimeout(write, journalPauseMs)
      if (waiting.length >= mark) write().catch(() => {})
    },
    get room() {
      return unwritten + waiting.length > 4 * mark ? write() : undefined
    },
    takeRest() {
      clearTimeout(timer)
      if (waiting.length === 0) return undefined
      const rest = { fromSeq: firstSeq, events: joinDeltas(waiting) }
      waiting = []
      return rest
    },
    settle() {
      writtenSeq = lastSeq
    },
    get written() {
      return written
    },
    get writtenSeq() {
      return writtenSeq
    },
  }
}

/** Neighbouring deltas without data of their own become one: fewer rows, the same text. */
export function joinDeltas(events: readonly RunEvent[]): RunEvent[] {
  const joined: RunEvent[] = []
  let texts: string[] = []
  let open: 'text-delta' | 'reasoning-delta' | undefined
  const close = () => {
    if (open) joined.push({ type: open, text: texts.join('') })
    open = undefined
    texts = []
  }
  for (const event of events) {
    const plain =
      (event.type === 'text-delta' && !event.logprobs && !event.vendor) ||
      (event.type === 'reasoning-delta' && !event.vendor)
    if (!plain) {
      close()
      joined.push(event)
      continue
    }
    if (open !== event.type) close()
    open = event.type
    texts.push(event.text)
  }
  close()
  return joined
}
