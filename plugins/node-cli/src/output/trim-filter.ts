import type { Stage } from './stage.ts'

/** Drops white space before the answer and after it. */
export function createTrimFilter(): Stage {
  let begun = false
  let held = ''
  return {
    push(text) {
      const rest = held + (begun ? text : text.trimStart())
      const ready = rest.trimEnd()
      if (ready === '') {
        held = begun ? rest : ''
        return ''
      }
      begun = true
      held = rest.slice(ready.length)
      return ready
    },
    end: () => '',
  }
}
