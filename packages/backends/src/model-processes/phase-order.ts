import type { Part, Phase } from 'lmapp-kit'

const phases: readonly Phase[] = ['queued', 'connecting', 'fetching', 'loading', 'prompt', 'generating']

/** Leaves out a status of a phase that has passed: what is reached after loading need not be said to be connected to. */
export async function* inPhaseOrder(
  source: AsyncIterable<readonly Part[]>,
): AsyncGenerator<readonly Part[], void, undefined> {
  let reached = 0
  const isDue = (part: Part) => {
    if (part.type !== 'status') return true
    const at = phases.indexOf(part.phase)
    reached = Math.max(reached, at)
    return at === reached
  }
  for await (const batch of source) {
    const due = batch.filter(isDue)
    if (due.length > 0) yield due
  }
}
