import type { ErrorCode, RunEnd } from 'lmapp-kit'

/** Who answers, or is asked to. */
export interface Asked {
  backend: string
  model: string
}

/** Told of what runs do, at once, for metrics. What it does must be short, and never throw. */
export interface RunObserver {
  /** One more waits for a slot of the backend; `waiting` counts it. */
  queued?(event: Asked & { waiting: number }): void
  /** Too many wait there: it was not asked. */
  refused?(event: Asked): void
  /** It has its slot, and is asked now. */
  attemptStarted?(event: Asked): void
  /** Of text, reasoning or a call of a tool; milliseconds since the attempt started. */
  firstToken?(event: Asked & { ms: number }): void
  /** `code` where it failed. */
  attemptEnded?(event: Asked & { outcome: 'finished' | 'cancelled' | 'failed'; code?: ErrorCode; ms: number }): void
  /** Once for every run. `backend` and `model` are of who answered last, and empty where nobody was found. */
  ended?(event: Asked & EndedRun): void
}

export interface EndedRun {
  state: RunEnd['state']
  code?: ErrorCode
  usage: RunEnd['usage']
  /** Milliseconds since the run began, waiting included. */
  totalMs: number
  firstTokenMs?: number
  client: string
}
