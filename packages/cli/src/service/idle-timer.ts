/** Calls `onIdle` when nothing happened for as long as `limit` says. */
export interface IdleTimer {
  /** `limit` is asked after each activity: milliseconds, or undefined while something is going on. */
  start(limit: () => Promise<number | undefined>): void
  touch(): void
  stop(): void
}

const lookMs = 1_000

export function createIdleTimer(onIdle: () => void): IdleTimer {
  let lastActivity = Date.now()
  let timer: NodeJS.Timeout | undefined

  const look = async (limit: () => Promise<number | undefined>) => {
    const limitMs = await limit()
    if (limitMs === undefined) lastActivity = Date.now()
    const leftMs = limitMs === undefined ? lookMs : lastActivity + limitMs - Date.now()
    if (leftMs <= 0) onIdle()
    else timer = setTimeout(() => look(limit), Math.min(leftMs, 60_000))
  }

  return {
    start(limit) {
      lastActivity = Date.now()
      timer = setTimeout(() => look(limit), 0)
    },
    touch() {
      lastActivity = Date.now()
    },
    stop() {
      clearTimeout(timer)
    },
  }
}
