import { type EditorState, moveTo, replaceAll } from './editor-state.ts'
import { previousUnit, toUnitEnd } from './units.ts'

/** Looking for a message of before by a part of it. */
export interface HistorySearch {
  /** Newest first. */
  readonly messages: readonly string[]
  readonly query: string
  /** Of the message that is shown; -1: none yet. */
  readonly index: number
  /** Nothing further holds the query: what was found before is still shown. */
  readonly failed: boolean
  /** What stood there before. */
  readonly before: EditorState
}

export function startSearch(messages: readonly string[], before: EditorState): HistorySearch {
  return { messages, query: '', index: -1, failed: false, before }
}

export function extendQuery(search: HistorySearch, text: string): HistorySearch {
  return find({ ...search, query: search.query + text.replace(/\s+/g, ' ') }, Math.max(0, search.index), 1)
}

export function shortenQuery(search: HistorySearch): HistorySearch {
  const query = search.query.slice(0, previousUnit(search.query, search.query.length))
  return query === '' ? startSearch(search.messages, search.before) : find({ ...search, query, index: -1 }, 0, 1)
}

/** The next older one, or with -1 the next newer one. */
export function searchOn(search: HistorySearch, step: 1 | -1): HistorySearch {
  return search.query === '' ? search : find(search, search.index + step, step)
}

/** The message with the cursor where the query begins in it. */
export function toFound({ messages, query, index, before }: HistorySearch): EditorState {
  const message = messages[index]
  if (message === undefined) return before
  const state = replaceAll(before, message)
  const at = positionOf(state.text, query)
  return at < 0 ? state : moveTo(state, toUnitEnd(state.text, at))
}

function find(search: HistorySearch, from: number, step: 1 | -1): HistorySearch {
  for (let index = from; index >= 0 && index < search.messages.length; index += step) {
    if (positionOf(search.messages[index] ?? '', search.query) >= 0) return { ...search, index, failed: false }
  }
  return { ...search, failed: true }
}

/** Blanks of the query stand for line breaks too. */
function positionOf(message: string, query: string): number {
  return message
    .replace(/[\n\t]/g, ' ')
    .toLowerCase()
    .indexOf(query.toLowerCase())
}
