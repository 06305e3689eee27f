import { longestOverlap } from './stop-filter.ts'

export interface SplitText {
  kind: 'text' | 'reasoning'
  text: string
}

/** Tells a thought in `<think>` at the beginning of an answer from the answer itself. */
export interface ReasoningFilter {
  readonly thinking: boolean
  push(text: string): SplitText[]
  flush(): SplitText[]
}

const open = '<think>'
const close = '</think>'

/**
 * Where an answer stands: nothing yet, at the beginning of a thought, in the middle of one, or in its text, where no
 * thought can come.
 */
export type AnswerBegin = 'undecided' | 'thinking' | 'resumed' | 'decided'

export function createReasoningFilter(begin: AnswerBegin): ReasoningFilter {
  let state: 'undecided' | 'thinking' | 'closed' | 'decided' = begin === 'resumed' ? 'thinking' : begin
  let held = ''
  /** Space at the beginning of a thought belongs to its tag. */
  let thought = begin === 'resumed'

  function step(final: boolean): SplitText | undefined {
    switch (state) {
      case 'undecided':
        return decide(final)
      case 'thinking':
        return think(final)
      case 'closed':
        return skipGap(final)
      case 'decided':
        return take('text', held.length)
      default:
        return state satisfies never
    }
  }

  function decide(final: boolean): SplitText | undefined {
    const start = held.trimStart()
    if (start.startsWith(open)) {
      held = start.slice(open.length)
      state = 'thinking'
      return { kind: 'reasoning', text: '' }
    }
    if (!final && open.startsWith(start)) return undefined
    state = 'decided'
    return take('text', held.length)
  }

  function think(final: boolean): SplitText | undefined {
    if (!thought) held = held.trimStart()
    const end = held.indexOf(close)
    if (end >= 0) {
      const text = held.slice(0, end).trimEnd()
      held = held.slice(end + close.length)
      state = 'closed'
      return { kind: 'reasoning', text }
    }
    // Space before the closing tag belongs to the tag.
    const safe = held.slice(0, held.length - (final ? 0 : longestOverlap(held, [close]))).trimEnd().length
    return take('reasoning', safe)
  }

  function skipGap(final: boolean): SplitText | undefined {
    held = held.trimStart()
    if (held === '' && !final) return undefined
    state = 'decided'
    return take('text', held.length)
  }

  function take(kind: SplitText['kind'], length: number): SplitText | undefined {
    if (length === 0) return undefined
    const text = held.slice(0, length)
    held = held.slice(length)
    if (kind === 'reasoning') thought = true
    return { kind, text }
  }

  function drain(final: boolean): SplitText[] {
    const parts: SplitText[] = []
    for (let part = step(final); part; part = step(final)) if (part.text !== '') parts.push(part)
    return parts
  }

  return {
    get thinking() {
      return state === 'thinking'
    },
    push(text) {
      held += text
      return drain(false)
    },
    flush: () => drain(true),
  }
}
