import type { Candidate } from './resolve.ts'
import { tryAside } from './try-aside.ts'

/**
 * The next one that did not fail just now. One that may be tried again is tried aside where another can answer, so that
 * nobody waits for it. Where all failed, the first of them is asked all the same.
 */
export function takeNext(waiting: Candidate[]): Candidate | undefined {
  const index = waiting.findIndex(({ target }) => target.breaker.current.state === 'closed')
  if (index >= 0) {
    for (const { target } of waiting.slice(0, index)) void tryAside(target)
    return waiting.splice(index, 1)[0]
  }
  const ready = waiting.findIndex(({ target }) => target.breaker.admits())
  if (ready >= 0) return waiting.splice(ready, 1)[0]
  const [first] = waiting.splice(0)
  return first
}

/** Whom `takeNext` would take of them; nothing is tried for that. */
export function findFirst(candidates: readonly Candidate[]): Candidate | undefined {
  const inState = (wanted: string) => candidates.find(({ target }) => target.breaker.current.state === wanted)
  return inState('closed') ?? inState('half-open') ?? candidates[0]
}
