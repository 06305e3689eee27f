import type { CommandContext } from '../context.ts'
import type { StopSignal } from '../signals.ts'
import type { Session } from './session.ts'

export type StopReason = StopSignal | 'reader-left'

/** What happens to a run when the user, the system or the reader of stdout wants it to stop. */
export interface Stop extends Disposable {
  readonly by: StopReason | undefined
  /** The id of the run that a stop cancels; one that comes after the stop is cancelled at once. */
  aimAt(run: Promise<string>): void
  /** The result of the work, or `undefined` when the command is to leave without waiting for it. */
  orLeave<Result extends object>(work: Promise<Result>): Promise<Result | undefined>
}

/** SIGHUP leaves and cancels nothing; the others cancel, and leave when they come a second time. */
export function openStop({ signals, stdout }: CommandContext, session: Session): Stop {
  const leaving = Promise.withResolvers<undefined>()
  const leave = () => leaving.resolve(undefined)
  let by: StopReason | undefined
  let target: Promise<string> | undefined

  function cancel(run: Promise<string>): void {
    run.then(async (id) => (await session.client()).cancelRun(id)).catch(() => {})
  }

  function stop(reason: StopReason): void {
    const again = by !== undefined
    by ??= reason
    if (!target || (again && reason !== 'SIGHUP' && reason !== 'reader-left')) leave()
    else if (reason === 'SIGHUP') {
      by = reason
      target.then(leave, leave)
    } else if (!again) cancel(target)
  }

  const release = signals.listen(stop)
  let open = true
  stdout.onFailure(() => {
    if (open) stop('reader-left')
  })

  return {
    get by() {
      return by
    },
    aimAt(run) {
      target = run
      run.catch(() => {})
      if (by && by !== 'SIGHUP') cancel(run)
    },
    orLeave(work) {
      work.catch(() => {})
      return Promise.race([work, leaving.promise])
    },
    [Symbol.dispose]() {
      open = false
      release()
    },
  }
}
