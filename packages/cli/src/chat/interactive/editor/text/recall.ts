import { type EditorState, moveTo, replaceAll } from './editor-state.ts'

/** Where one is among the messages of before. */
export interface Recall {
  /** Newest first. */
  readonly messages: readonly string[]
  /** -1: the message that is being written. */
  readonly index: number
  /** What each was when it was left, where something was changed in it; the draft is one of them. */
  readonly left: ReadonlyMap<number, EditorState>
}

export function createRecall(messages: readonly string[]): Recall {
  return { messages, index: -1, left: new Map() }
}

/** Undefined where there is nothing further. */
export function recall(
  { messages, index, left }: Recall,
  state: EditorState,
  step: 1 | -1,
): { recall: Recall; state: EditorState } | undefined {
  const next = index + step
  const message = messages[next]
  if (next < -1 || (next >= 0 && message === undefined)) return undefined
  const old = left.get(next)
  const recalled = replaceAll(state, message ?? '')
  const shown = old ? moveTo({ ...recalled, text: old.text }, old.cursor) : recalled
  return { recall: { messages, index: next, left: new Map(left).set(index, state) }, state: shown }
}
