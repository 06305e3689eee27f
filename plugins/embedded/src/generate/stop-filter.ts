/** Passes text on until a stop sequence, which may come in several pieces. What could become one is held back. */
export interface StopFilter {
  /** `stopped`: the text before the first stop sequence is complete; push nothing more. */
  push(text: string): { text: string; stopped: boolean }
  /** What was held back and did not become a stop sequence. */
  flush(): string
}

export function createStopFilter(sequences: readonly string[]): StopFilter {
  const wanted = sequences.filter((sequence) => sequence !== '')
  let held = ''
  return {
    push(text) {
      held += text
      const found = wanted.map((sequence) => held.indexOf(sequence)).filter((index) => index >= 0)
      if (found.length > 0) {
        const before = held.slice(0, Math.min(...found))
        held = ''
        return { text: before, stopped: true }
      }
      const safe = held.length - longestOverlap(held, wanted)
      const passed = held.slice(0, safe)
      held = held.slice(safe)
      return { text: passed, stopped: false }
    },
    flush() {
      const rest = held
      held = ''
      return rest
    },
  }
}

/** Length of the longest end of `text` that begins one of the sequences. */
export function longestOverlap(text: string, sequences: readonly string[]): number {
  let longest = 0
  for (const sequence of sequences) {
    for (let length = Math.min(sequence.length - 1, text.length); length > longest; length--) {
      if (sequence.startsWith(text.slice(-length))) longest = length
    }
  }
  return longest
}
