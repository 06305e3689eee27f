/** So many may work at once; the others wait in the order they came. */
export interface Slots {
  readonly active: number
  readonly queued: number
  /** Whether `take` would wait. */
  readonly full: boolean
  /** Resolves to the function that gives the slot back. Rejects with the signal's reason. */
  take(signal?: AbortSignal): Promise<() => void>
}

export function createSlots(count: number): Slots {
  let active = 0
  const waiting: (() => void)[] = []

  function grant(): () => void {
    active++
    let given = true
    return () => {
      if (!given) return
      given = false
      active--
      waiting.shift()?.()
    }
  }

  return {
    get active() {
      return active
    },
    get queued() {
      return waiting.length
    },
    get full() {
      return active >= count
    },
    async take(signal) {
      signal?.throwIfAborted()
      if (active < count) return grant()
      return await new Promise<() => void>((resolve, reject) => {
        const enter = (): void => {
          signal?.removeEventListener('abort', leave)
          resolve(grant())
        }
        const leave = (): void => {
          waiting.splice(waiting.indexOf(enter), 1)
          reject(signal?.reason)
        }
        waiting.push(enter)
        signal?.addEventListener('abort', leave, { once: true })
      })
    },
  }
}
