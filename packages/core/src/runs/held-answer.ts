import type { Status } from 'lmapp-kit'

/** Text that stays in the service until it is known to be right, so that it can be thrown away without a trace. */
export interface HeldAnswer {
  readonly text: string
  /** Now and then a status, so that whoever waits sees that something arrives. */
  add(text: string): Status | undefined
  clear(): void
}

const deltasBetweenStatuses = 16

export function createHeldAnswer(): HeldAnswer {
  let text = ''
  let deltas = 0
  return {
    get text() {
      return text
    },
    add(piece) {
      text += piece
      deltas += 1
      if (deltas % deltasBetweenStatuses !== 1) return undefined
      return { type: 'status', phase: 'generating', progress: { done: deltas, unit: 'tokens' } }
    },
    clear() {
      text = ''
      deltas = 0
    },
  }
}
