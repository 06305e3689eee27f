import type { Action } from './keys/bindings.ts'
import { actionOf } from './keys/bindings.ts'
import type { Key } from './keys/key.ts'
import { layOut, toOffset, toPlace } from './screen/layout.ts'
import { isOpenBlock, unwrapBlock } from './text/block.ts'
import { type Chip, chipsIn, expandChips } from './text/chips.ts'
import { type Candidates, type CompletionList, complete, cycle, leaveList } from './text/completion.ts'
import {
  createEditorState,
  type EditorState,
  edit,
  insertChip,
  moveTo,
  pasteText,
  replaceAll,
  typeText,
} from './text/editor-state.ts'
import { extendQuery, type HistorySearch, searchOn, shortenQuery, startSearch, toFound } from './text/history-search.ts'
import { createRecall, type Recall, recall } from './text/recall.ts'

/** Everything about one message from the first key to Enter. */
export interface Prompt {
  readonly state: EditorState
  readonly recall: Recall
  readonly list?: CompletionList | undefined
  readonly search?: HistorySearch | undefined
  /** Said below the text until the next key. */
  readonly note?: string | undefined
  /** Ctrl-C was typed on an empty line: once more leaves. */
  readonly leaves?: boolean | undefined
  /** A message of one line was recalled, and nothing done to it: up and down go on through the history. */
  readonly browses?: boolean | undefined
}

/** What must be done outside. */
export type Effect =
  | { type: 'send'; text: string; chips: readonly Chip[] }
  | { type: 'complete'; text: string; cursor: number }
  | { type: 'open-editor'; text: string }
  | { type: 'leave' | 'suspend' | 'repaint' }

export interface Pressed {
  prompt: Prompt
  effect?: Effect
}

export const leaveNote = 'Ctrl-C again, Ctrl-D or /exit leaves.'

export function createPrompt(messages: readonly string[], state: EditorState = createEditorState()): Prompt {
  return { state, recall: createRecall(messages) }
}

/** `columns`: of the text, for moves between rows. */
export function press(prompt: Prompt, key: Key, columns: number): Pressed {
  if (prompt.search) return pressInSearch(prompt, prompt.search, key, columns)
  if (key.type === 'text') return next(prompt, typeText(prompt.state, key.text))
  if (key.type === 'paste') return paste(prompt, key)
  const action = actionOf(key.name)
  if (action === undefined) return { prompt }
  if (prompt.list) {
    const pressed = pressInList(prompt, prompt.list, action)
    if (pressed) return pressed
  }
  return act(next(prompt, prompt.state).prompt, action, { columns, before: prompt })
}

export function addChip(prompt: Prompt, chip: Chip): Prompt {
  return next(prompt, insertChip(prompt.state, chip)).prompt
}

/** What came for the text as it was. What was typed meanwhile makes it worthless. */
export function showCandidates(prompt: Prompt, asked: { text: string; cursor: number }, found: Candidates): Prompt {
  const { state } = prompt
  if (prompt.search || prompt.list || state.text !== asked.text || state.cursor !== asked.cursor) return prompt
  return { ...prompt, ...complete(state, found) }
}

/** What came back from the editor, in place of the text. */
export function takeEdited(prompt: Prompt, text: string): Prompt {
  const whole = expandChips(prompt.state.text, prompt.state.chips)
  return text === whole ? prompt : next(prompt, replaceAll(prompt.state, text)).prompt
}

/** Without list, note and all that held only until the next key. */
function next({ recall }: Prompt, state: EditorState): { prompt: Prompt } {
  return { prompt: { state, recall } }
}

function paste(prompt: Prompt, { text, lost }: Extract<Key, { type: 'paste' }>): Pressed {
  const pasted = next(prompt, pasteText(prompt.state, text)).prompt
  if (lost === 0) return { prompt: pasted }
  const kept = text.length.toLocaleString('en')
  const note = `The paste was too long: only its first ${kept} characters are here. Attach it as a file instead.`
  return { prompt: { ...pasted, note } }
}

interface ActOptions {
  columns: number
  /** As it was before this key. */
  before: Prompt
}

function act(prompt: Prompt, action: Action, { columns, before }: ActOptions): Pressed {
  const { state } = prompt
  switch (action) {
    case 'send':
      return send(prompt)
    case 'up':
    case 'down':
      return moveRow(prompt, action === 'up' ? 1 : -1, { columns, before })
    case 'older':
      return recallOne(prompt, 1)
    case 'newer':
      return recallOne(prompt, -1)
    case 'complete':
      return { prompt, effect: { type: 'complete', text: state.text, cursor: state.cursor } }
    case 'search':
      return { prompt: { ...prompt, search: startSearch(prompt.recall.messages, state) } }
    case 'open-editor':
      return { prompt, effect: { type: 'open-editor', text: expandChips(state.text, state.chips) } }
    case 'interrupt':
      return interrupt(prompt, before)
    case 'end-or-delete':
      return state.text === '' ? { prompt, effect: { type: 'leave' } } : next(prompt, edit(state, 'delete'))
    case 'suspend':
    case 'repaint':
      return { prompt: before, effect: { type: action } }
    case 'search-forward':
    case 'complete-back':
    case 'escape':
      return { prompt }
    default:
      return next(prompt, edit(state, action))
  }
}

/** A block that is open gets another line; an empty message is none. */
function send(prompt: Prompt): Pressed {
  const { state } = prompt
  if (isOpenBlock(state.text)) return next(prompt, edit(state, 'newline'))
  const chips = chipsIn(state.text, state.chips)
  const text = expandChips(unwrapBlock(state.text), state.chips)
  if (text.trim() === '' && chips.length === 0) return next(prompt, edit(state, 'clear'))
  return { prompt, effect: { type: 'send', text, chips } }
}

function interrupt(prompt: Prompt, before: Prompt): Pressed {
  if (prompt.state.text !== '') return { prompt: createPrompt(prompt.recall.messages, edit(prompt.state, 'clear')) }
  if (before.leaves) return { prompt, effect: { type: 'leave' } }
  return { prompt: { ...prompt, leaves: true, note: leaveNote } }
}

/** To the row above or below; beyond the first and the last of them to other messages. */
function moveRow(prompt: Prompt, step: 1 | -1, { columns, before }: ActOptions): Pressed {
  const { state } = prompt
  const rows = layOut(state.text, state.chips, columns)
  const place = toPlace(rows, state.cursor)
  const row = place.row - step
  if (before.browses || row < 0 || row >= rows.length) return recallOne(prompt, step)
  const column = state.column ?? place.column
  return next(prompt, moveTo(state, toOffset(rows, { row, column }), column))
}

function recallOne(prompt: Prompt, step: 1 | -1): Pressed {
  const recalled = recall(prompt.recall, prompt.state, step)
  if (!recalled) return { prompt }
  return { prompt: { ...recalled, browses: !recalled.state.text.includes('\n') } }
}

/** Undefined: the key closes the list, and does what it does without one. */
function pressInList(prompt: Prompt, list: CompletionList, action: Action): Pressed | undefined {
  if (action === 'complete' || action === 'complete-back') {
    return { prompt: { ...prompt, ...cycle(list, action === 'complete' ? 1 : -1) } }
  }
  if (action === 'escape' || action === 'open-editor') return next(prompt, leaveList(list))
  if (action === 'send' && list.index >= 0) return next(prompt, prompt.state)
  return undefined
}

function pressInSearch(prompt: Prompt, search: HistorySearch, key: Key, columns: number): Pressed {
  const on = (changed: HistorySearch): Pressed => ({
    prompt: { ...prompt, search: changed, state: toFound(changed) },
  })
  if (key.type !== 'chord') return on(extendQuery(search, key.text))
  const action = actionOf(key.name)
  switch (action) {
    case undefined:
      return { prompt }
    case 'search':
      return on(searchOn(search, 1))
    case 'search-forward':
      return on(searchOn(search, -1))
    case 'backspace':
      return on(shortenQuery(search))
    case 'escape':
    case 'open-editor':
    case 'interrupt':
      return next(prompt, search.before)
    case 'send':
    case 'complete':
      return next(prompt, prompt.state)
    case 'suspend':
    case 'repaint':
      return { prompt, effect: { type: action } }
    default:
      return press(next(prompt, prompt.state).prompt, key, columns)
  }
}
