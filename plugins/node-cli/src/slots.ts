/** So many may work at once; the others wait in the order in which they came. */
export interface Slots {
  readonly active: number
  readonly queued: number
  /** Whether `take` would wait. */
  readonly full: boolean
  /** Resolves to the function that gives the slot back, or to undefined when the signal came first. */
  take(signal: AbortSignal): Promise<(() => void) | undefined>
}

export function createSlots(count: number): Slots {
  let active = 0
  const waiting = new Set<() => void>()

  function give(): () => void {
    active += 1
    let isMine = true
    return () => {
      if (!isMine) return
      isMine = false
      active -= 1
      const [next] = waiting
      next?.()
    }
  }

  return {
    get active() {
      return active
    },
    get queued() {
      return waiting.size
    },
    get full() {
      return active >= count
    },
    async take(signal) {
      if (signal.aborted) return undefined
      if (active < count) return give()
      const { promise, resolve } = Promise.withResolvers<(() => void) | undefined>()
      const enter = () => leave(give())
      const giveUp = () => leave(undefined)
      const leave = (release: (() => void) | undefined) => {
        waiting.delete(enter)
        signal.removeEventListener('abort', giveUp)
        resolve(release)
      }
      waiting.add(enter)
      signal.addEventListener('abort', giveUp, { once: true })
      return await promise
    },
  }
}
