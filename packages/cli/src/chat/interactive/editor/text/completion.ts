import { type EditorState, moveTo, replaceRange } from './editor-state.ts'
import { units } from './units.ts'

export interface Candidate {
  /** What is put into the text. */
  readonly insert: string
  /** What is shown in the list; absent: what is put in. */
  readonly label?: string
  /** Shown behind it. */
  readonly hint?: string
}

export interface Candidates {
  /** Where in the text begins what they replace; it ends at the cursor. */
  readonly from: number
  readonly candidates: readonly Candidate[]
}

/** In the text, a chip is one character of a private area of Unicode. */
export type Complete = (text: string, cursor: number) => Promise<Candidates>

/** An open list. */
export interface CompletionList extends Candidates {
  /** What the user wrote, for when the list is left. */
  readonly typed: EditorState
  /** -1: none is taken yet. */
  readonly index: number
}

export interface Completed {
  state: EditorState
  list?: CompletionList | undefined
}

/** One candidate is put in; of several what they begin with, and their list opens. */
export function complete(state: EditorState, { from, candidates }: Candidates): Completed {
  const start = Math.max(0, Math.min(from, state.cursor))
  const [first] = candidates
  if (!first) return { state }
  if (candidates.length === 1) return { state: replaceRange(state, start, state.cursor, first.insert) }
  const common = commonStart(candidates.map(({ insert }) => insert))
  const typed = state.text.slice(start, state.cursor)
  const isLonger = common.length > typed.length && common.startsWith(typed)
  const extended = isLonger ? replaceRange(state, start, state.cursor, common) : state
  return { state: extended, list: { from: start, candidates, typed: extended, index: -1 } }
}

/** Puts the next one in place of the one before; behind the last comes the first. */
export function cycle(list: CompletionList, step: 1 | -1): Completed {
  const { typed, from, candidates } = list
  const count = candidates.length
  const index = list.index < 0 && step < 0 ? count - 1 : (list.index + step + count) % count
  const state = replaceRange(typed, from, typed.cursor, candidates[index]?.insert ?? '')
  return { state, list: { ...list, index } }
}

/** As it was before one was taken. */
export function leaveList({ typed }: CompletionList): EditorState {
  return moveTo(typed, typed.cursor)
}

function commonStart(texts: readonly string[]): string {
  let common = ''
  for (const unit of units(texts[0] ?? '')) {
    if (!texts.every((text) => text.startsWith(common + unit))) break
    common += unit
  }
  return common
}
