/** Lets those who share a key go one after the other, in the order in which they came. */
export interface Turns {
  /** `wait` is absent when nobody is before; `done` must be called once, whatever happens. */
  take(key: string): { wait?: Promise<void>; done: () => void }
  readonly waiting: number
}

export function createTurns(): Turns {
  const tails = new Map<string, Promise<void>>()
  let waiting = 0

  return {
    take(key) {
      const before = tails.get(key)
      const { promise, resolve } = Promise.withResolvers<void>()
      tails.set(key, promise)
      const done = () => {
        if (tails.get(key) === promise) tails.delete(key)
        resolve()
      }
      if (!before) return { done }
      waiting += 1
      const wait = before.then(() => {
        waiting -= 1
      })
      return { wait, done }
    },
    get waiting() {
      return waiting
    },
  }
}
