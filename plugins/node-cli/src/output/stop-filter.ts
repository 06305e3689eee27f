import type { EndingStage } from './stage.ts'

/** Ends the answer before the first of these, and keeps back what may be the beginning of one. */
export function createStopFilter(stops: readonly string[]): EndingStage {
  const sequences = stops.filter((stop) => stop !== '')
  let held = ''
  let ended = false
  return {
    get ended() {
      return ended
    },
    push(text) {
      const rest = held + text
      const found = sequences.map((stop) => rest.indexOf(stop)).filter((at) => at !== -1)
      if (found.length > 0) {
        ended = true
        held = ''
        return rest.slice(0, Math.min(...found))
      }
      const ready = rest.length - Math.max(0, ...sequences.map((stop) => overlap(rest, stop)))
      held = rest.slice(ready)
      return rest.slice(0, ready)
    },
    end: () => held,
  }
}

/** Length of the longest end of `text` that `stop` begins with. */
function overlap(text: string, stop: string): number {
  let length = Math.min(text.length, stop.length - 1)
  while (length > 0 && !text.endsWith(stop.slice(0, length))) length -= 1
  return length
}
