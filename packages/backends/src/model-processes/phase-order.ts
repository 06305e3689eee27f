import type { Part, Phase } from 'lmapp-kit'

const phases: readonly Phase[] = ['queued', 'connecting', 'fetching', 'loading', 'prompt', 'generating']

/** Leaves out a status of a phase that has passed: what is reached after loading need not be said to be connected to. */
export async function* inPhaseOrder(parts: AsyncIterable<Part>): AsyncGenerator<Part, void, undefined> {
  let reached = 0
  for await (const part of parts) {
    if (part.type === 'status') {
      const at = phases.indexOf(part.phase)
      if (at < reached) continue
      reached = at
    }
    yield part
  }
}
