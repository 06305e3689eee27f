/** What is known of a run that ended. */
export interface Endable {
  readonly id: string
  /** About what it takes up in memory. */
  readonly bytes: number
}

export interface EndedRunsOptions {
  forget: (id: string) => void
  mostRuns?: number
  mostBytes?: number
  /** Milliseconds for which each is kept, as far as there is room. */
  keepMs?: number
  now?: () => number
}

/** Runs that ended and can still be joined and replayed. The oldest are forgotten first. */
export interface EndedRuns {
  add(run: Endable): void
  remove(id: string): void
}

const replayMs = 300_000

export function createEndedRuns(options: EndedRunsOptions): EndedRuns {
  const { forget, mostRuns = 1_000, mostBytes = 64 * 1024 * 1024, keepMs = replayMs, now = Date.now } = options
  /** In the order in which they ended. */
  const kept = new Map<string, { bytes: number; until: number }>()
  let bytes = 0
  let timer: NodeJS.Timeout | undefined

  const remove = (id: string) => {
    bytes -= kept.get(id)?.bytes ?? 0
    if (!kept.delete(id)) return
    if (kept.size === 0) {
      clearTimeout(timer)
      timer = undefined
    }
    forget(id)
  }
  const sweep = () => {
    timer = undefined
    for (const [id, { until }] of kept) {
      if (until > now()) return again(until - now())
      remove(id)
    }
  }
  const again = (milliseconds: number) => {
    timer ??= setTimeout(sweep, milliseconds).unref()
  }

  return {
    add(run) {
      kept.set(run.id, { bytes: run.bytes, until: now() + keepMs })
      bytes += run.bytes
      for (const id of kept.keys()) {
        if (kept.size <= mostRuns && bytes <= mostBytes) break
        remove(id)
      }
      if (kept.size > 0) again(keepMs)
    },
    remove,
  }
}
