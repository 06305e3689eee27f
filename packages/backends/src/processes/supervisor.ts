import { setTimeout as delay } from 'node:timers/promises'
import { type BackendState, isLmappError, LmappError, untilAborted } from 'lmapp-kit'

/** What a supervisor holds: one life of a process. */
export interface Held {
  /** Ends it. Idempotent. */
  close(): Promise<void>
  /** Resolves when it is gone; `stopped` when that was `close`. Never rejects. */
  readonly ended: Promise<{ kind: string; message: string }>
}

/** The one owner of a backend's state: at most one process at a time, and who may have it. */
export interface Supervisor<Session extends Held> {
  /** The running process, started when there is none. Waits for a stop that is under way. Throws the reason of `signal`. */
  acquire(signal?: AbortSignal): Promise<Session>
  /** Ends the process; a start that is under way throws `backend-stopped`. Idempotent. */
  stop(): Promise<void>
  /** To be called when an answer ended well: earlier crashes are forgiven. */
  succeeded(): void
  readonly current: Session | undefined
  readonly state: BackendState
  /** Why the last process ended, unless it was stopped or another one runs. */
  readonly failure: string | undefined
}

export interface SupervisorOptions<Session extends Held> {
  name: string
  launch(signal: AbortSignal): Promise<Session>
  /** Waits between crashes. */
  wait?: (milliseconds: number, signal: AbortSignal) => Promise<void>
}

const firstBackOffMs = 500
const longestBackOffMs = 8_000

export function createSupervisor<Session extends Held>({
  name,
  launch,
  wait = pause,
}: SupervisorOptions<Session>): Supervisor<Session> {
  let current: Session | undefined
  let starting: { promise: Promise<Session>; controller: AbortController } | undefined
  let stopping: Promise<void> | undefined
  let failure: string | undefined
  let crashes = 0

  async function acquire(signal?: AbortSignal): Promise<Session> {
    signal?.throwIfAborted()
    while (stopping) await untilAborted(stopping, signal)
    if (current) return current
    starting ??= beginStart()
    return await untilAborted(starting.promise, signal)
  }

  function beginStart(): { promise: Promise<Session>; controller: AbortController } {
    const controller = new AbortController()
    const promise = start(controller.signal).finally(() => {
      starting = undefined
    })
    promise.catch(() => {})
    return { promise, controller }
  }

  async function start(signal: AbortSignal): Promise<Session> {
    try {
      if (crashes > 1) await wait(toBackOff(crashes), signal)
      const session = await launch(signal)
      current = session
      failure = undefined
      void session.ended.then((end) => forget(session, end))
      return session
    } catch (error) {
      if (signal.aborted) throw signal.reason
      if (isLmappError(error, 'backend-start-failed') || isLmappError(error, 'protocol-violation')) crashes++
      failure = error instanceof Error ? error.message : String(error)
      throw error
    }
  }

  function forget(session: Session, { kind, message }: { kind: string; message: string }): void {
    if (current === session) current = undefined
    if (kind === 'stopped') return
    crashes++
    failure = message
  }

  async function end(): Promise<void> {
    starting?.controller.abort(new LmappError('backend-stopped', `The backend "${name}" was stopped.`))
    await starting?.promise.catch(() => {})
    await current?.close()
    current = undefined
    failure = undefined
  }

  function toState(): BackendState {
    if (stopping) return 'stopping'
    if (starting) return 'starting'
    if (current) return 'running'
    return failure === undefined ? 'stopped' : 'failed'
  }

  return {
    acquire,
    stop() {
      stopping ??= end().finally(() => {
        stopping = undefined
      })
      return stopping
    },
    succeeded() {
      crashes = 0
    },
    get current() {
      return current
    },
    get state() {
      return toState()
    },
    get failure() {
      return failure
    },
  }
}

/** The first restart comes at once, then the pauses double. */
function toBackOff(crashes: number): number {
  return Math.min(firstBackOffMs * 2 ** (crashes - 2), longestBackOffMs)
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await delay(milliseconds, undefined, { signal })
}
