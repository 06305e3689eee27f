import { untilAborted } from 'lmapp-kit'

/** Lets in one after the other, in the order in which they came. */
export interface Turns {
  /** Resolves when it is one's turn, which lasts until the result is disposed. Throws the reason of `signal`. */
  enter(options?: WaitOptions): Promise<Disposable>
}

export interface WaitOptions {
  signal?: AbortSignal | undefined
  /** Called once, where there is somebody to wait for. */
  onWait?: (() => void) | undefined
}

export function createTurns(): Turns {
  let last: Promise<void> = Promise.resolve()
  let count = 0
  return {
    async enter({ signal, onWait } = {}) {
      const mine = Promise.withResolvers<void>()
      const before = last
      last = before.then(() => mine.promise)
      count += 1
      if (count > 1) onWait?.()
      let left = false
      const leave = () => {
        if (left) return
        left = true
        count -= 1
        mine.resolve()
      }
      try {
        await untilAborted(before, signal)
      } catch (error) {
        leave()
        throw error
      }
      return { [Symbol.dispose]: leave }
    },
  }
}
