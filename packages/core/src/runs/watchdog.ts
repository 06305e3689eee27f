import { LmappError, type Part, type Status } from 'lmapp-kit'

export interface WatchdogOptions {
  /** Milliseconds without progress in a phase that reports progress, or between two tokens. */
  stallMs: number
  /** Milliseconds of a phase that reports nothing. */
  loadMs: number
  /** Asks the engine whether it lives; rejects when it does not. Used while a phase reports nothing. */
  probe: (signal: AbortSignal) => Promise<void>
  now?: () => number
}

/**
 * Tells when an engine has stopped moving. It never limits the whole: each sign of life grants a phase its time anew.
 * `tripped` rejects with `stalled`, or with what the third failed probe in a row said.
 */
export interface Watchdog extends Disposable {
  readonly tripped: Promise<never>
  saw(part: Part): void
  /** Resolves with `room`. Meanwhile it is lmapp that holds the engine back, and no time counts. */
  hold(room: Promise<void>): Promise<void>
}

const probesInARow = 3
const longestProbePauseMs = 5_000

export function createWatchdog(options: WatchdogOptions): Watchdog {
  const now = options.now ?? Date.now
  const { promise: tripped, reject } = Promise.withResolvers<never>()
  tripped.catch(() => {})
  let isOver = false
  let allowance = options.loadMs
  let lastSign = now()
  let phase = 'connecting'
  let done: number | undefined
  let timer: NodeJS.Timeout | undefined

  const end = () => {
    isOver = true
    clearTimeout(timer)
    probing[Symbol.dispose]()
  }
  const trip = (error: unknown) => {
    end()
    reject(error)
  }
  const check = () => {
    const left = lastSign + allowance - now()
    if (left > 0) timer = setTimeout(check, left)
    else trip(toStalled(phase, allowance))
  }
  const grant = (milliseconds: number) => {
    lastSign = now()
    if (milliseconds === allowance) return
    allowance = milliseconds
    clearTimeout(timer)
    if (Number.isFinite(milliseconds) && !isOver) timer = setTimeout(check, milliseconds)
  }
  const sawStatus = (status: Status) => {
    const before = done
    const samePhase = status.phase === phase
    phase = status.phase
    done = status.progress?.done
    if (status.phase === 'queued') grant(Number.POSITIVE_INFINITY)
    else if (done === undefined) grant(options.loadMs)
    else if (!samePhase || done !== before) grant(options.stallMs)
  }

  timer = setTimeout(check, allowance)
  const probing = probeSilence(options, { isSilent: () => allowance === options.loadMs, trip })

  return {
    tripped,
    saw(part) {
      if (part.type === 'status') sawStatus(part)
      else if (part.type === 'text-delta' || part.type === 'reasoning-delta' || part.type === 'tool-call') {
        phase = 'generating'
        grant(options.stallMs)
      }
    },
    async hold(room) {
      const before = allowance
      grant(Number.POSITIVE_INFINITY)
      try {
        await room
      } finally {
        grant(before)
      }
    },
    [Symbol.dispose]: end,
  }
}

function toStalled(phase: string, milliseconds: number): LmappError {
  const seconds = Math.round(milliseconds / 100) / 10
  return new LmappError('stalled', `No progress for ${seconds} s (${phase}).`, { details: { phase, milliseconds } })
}

interface Silence {
  isSilent(): boolean
  trip(error: unknown): void
}

/** Probes while the phase is silent; trips with the third failure in a row. Most attempts are over before the first. */
function probeSilence(options: WatchdogOptions, { isSilent, trip }: Silence): Disposable {
  const pauseMs = Math.min(longestProbePauseMs, Math.max(1, options.loadMs / 4))
  let failures = 0
  let probing: AbortController | undefined
  let isOver = false

  const probe = async () => {
    probing = new AbortController()
    try {
      await options.probe(AbortSignal.any([probing.signal, AbortSignal.timeout(longestProbePauseMs)]))
      failures = 0
    } catch (error) {
      failures += 1
      if (!isOver && failures >= probesInARow) trip(error)
    }
  }
  const look = async () => {
    if (isSilent()) await probe()
    else failures = 0
    if (!isOver) timer = setTimeout(look, pauseMs)
  }
  let timer = setTimeout(look, pauseMs)
  return {
    [Symbol.dispose]() {
      isOver = true
      clearTimeout(timer)
      probing?.abort(over)
    },
  }
}

/** Made once: each would take down where it was made. */
const over = new DOMException('The watch is over.', 'AbortError')
