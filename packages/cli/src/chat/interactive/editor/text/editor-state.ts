import { addChip, type Chip, type Chips, countLines, expandChips, isLong, toPlainText, toTextChip } from './chips.ts'
import { lineEnd, lineStart, nextUnit, nextWord, previousUnit, previousWord, toUnitEnd } from './units.ts'

/** A message that is being written. Every change makes a new one. */
export interface EditorState {
  /** Each chip is one character of it. */
  readonly text: string
  /** In UTF-16 units, never within a character. */
  readonly cursor: number
  readonly chips: Chips
  /** What was cut last, for Ctrl-Y. */
  readonly cut: string
  /** Newest last. */
  readonly before: readonly Snapshot[]
  /** What happened last: changes of one kind in a row are undone as one. */
  readonly last?: 'type' | 'cut' | undefined
  /** The column that moves up and down want to keep. */
  readonly column?: number | undefined
}

interface Snapshot {
  readonly text: string
  readonly cursor: number
}

const mostSnapshots = 500

export function createEditorState(text = '', cut = ''): EditorState {
  return { text, cursor: text.length, chips: new Map(), cut, before: [] }
}

/** The one after it; what was cut stays at hand. */
export function toNextMessage({ cut, chips }: EditorState): EditorState {
  return createEditorState('', expandChips(cut, chips))
}

export function typeText(state: EditorState, text: string): EditorState {
  return insert(state, toPlainText(text), 'type')
}

/** A long one becomes a chip. */
export function pasteText(state: EditorState, text: string): EditorState {
  const plain = toPlainText(text).replace(/\n+$/, '')
  return isLong(plain) ? insertChip(state, toTextChip('pasted', plain)) : insert(state, plain)
}

/** Where there is no place for another chip, its text is inserted. */
export function insertChip(state: EditorState, chip: Chip): EditorState {
  const added = addChip(state.chips, chip)
  if (!added) return insert(state, chip.text ?? '')
  return insert({ ...state, chips: added.chips }, added.mark)
}

const mostRecalled = { lines: 100, characters: 10_000 }

/** Another text in place of all of it; one that is very long as a chip. */
export function replaceAll(state: EditorState, text: string): EditorState {
  const plain = toPlainText(text)
  const emptied = change(state, '', 0)
  if (plain.length <= mostRecalled.characters && countLines(plain) <= mostRecalled.lines) {
    return { ...emptied, text: plain, cursor: plain.length }
  }
  return { ...insertChip(emptied, toTextChip('text of', plain)), before: emptied.before }
}

/** Puts `text`, in which chips may be, in place of what is from `from` to `to`. */
export function replaceRange(state: EditorState, from: number, to: number, text: string): EditorState {
  return change(state, state.text.slice(0, from) + text + state.text.slice(to), from + text.length)
}

export function moveTo(state: EditorState, cursor: number, column?: number): EditorState {
  return { ...state, cursor, column, last: undefined }
}

export type EditCommand = keyof typeof commands

export function edit(state: EditorState, command: EditCommand): EditorState {
  return commands[command](state)
}

type Command = (state: EditorState) => EditorState
type Place = (text: string, cursor: number) => number

const move =
  (place: Place): Command =>
  (state) =>
    moveTo(state, place(state.text, state.cursor))

const remove =
  (place: Place): Command =>
  (state) => {
    const [from, to] = ordered(state.cursor, place(state.text, state.cursor))
    return from === to ? state : replaceRange(state, from, to, '')
  }

/** Several in a row are put together, for one Ctrl-Y. */
const cut =
  (place: Place): Command =>
  (state) => {
    const target = place(state.text, state.cursor)
    const [from, to] = ordered(state.cursor, target)
    if (from === to) return state
    const piece = state.text.slice(from, to)
    const old = state.last === 'cut' ? state.cut : ''
    const changed = replaceRange(state, from, to, '')
    return { ...changed, cut: target < state.cursor ? piece + old : old + piece, last: 'cut' }
  }

const blankWord: Place = (text, cursor) => previousWord(text, cursor, 'blanks')
const toLineStart: Place = (text, cursor) => lineStart(text, cursor)
const toLineEnd: Place = (text, cursor) => lineEnd(text, cursor)
/** At the end of a line already: the line break goes. */
const orBreak =
  (place: Place, beyond: Place): Place =>
  (text, cursor) =>
    place(text, cursor) === cursor ? beyond(text, cursor) : place(text, cursor)

const commands = {
  left: move(previousUnit),
  right: move(nextUnit),
  'word-left': move((text, cursor) => previousWord(text, cursor)),
  'word-right': move((text, cursor) => nextWord(text, cursor)),
  'line-start': move(toLineStart),
  'line-end': move(toLineEnd),
  'text-start': move(() => 0),
  'text-end': move((text) => text.length),
  backspace: remove(previousUnit),
  delete: remove(nextUnit),
  'cut-word-left': cut((text, cursor) => previousWord(text, cursor)),
  'cut-blank-word-left': cut(blankWord),
  'cut-word-right': cut((text, cursor) => nextWord(text, cursor)),
  'cut-to-start': cut(orBreak(toLineStart, previousUnit)),
  'cut-to-end': cut(orBreak(toLineEnd, nextUnit)),
  'put-back': (state: EditorState) => (state.cut === '' ? state : insert(state, state.cut)),
  newline: (state: EditorState) => insert(state, '\n'),
  clear: (state: EditorState) => (state.text === '' ? state : change(state, '', 0)),
  transpose,
  undo,
} satisfies Record<string, Command>

/** The characters on both sides of the cursor change places; at the end of a line the last two. */
function transpose(state: EditorState): EditorState {
  const { text, cursor } = state
  const start = lineStart(text, cursor)
  const end = lineEnd(text, cursor)
  const middle = cursor === end ? previousUnit(text, cursor) : cursor
  if (middle <= start) return state
  const from = previousUnit(text, middle)
  const to = nextUnit(text, middle)
  return replaceRange(state, from, to, text.slice(middle, to) + text.slice(from, middle))
}

function undo(state: EditorState): EditorState {
  const snapshot = state.before.at(-1)
  if (!snapshot) return state
  return { ...state, ...snapshot, before: state.before.slice(0, -1), last: undefined, column: undefined }
}

function insert(state: EditorState, text: string, last?: 'type'): EditorState {
  if (text === '') return state
  const { cursor } = state
  const changed = replaceRange(state, cursor, cursor, text)
  const goesOn = last === 'type' && state.last === 'type' && /^\S/.test(text)
  return { ...changed, last, ...(goesOn && { before: state.before }) }
}

/** Characters may join what stands beside them: the cursor goes behind what they became. */
function change(state: EditorState, text: string, cursor: number): EditorState {
  const before = [...state.before, { text: state.text, cursor: state.cursor }].slice(-mostSnapshots)
  return { ...state, text, cursor: toUnitEnd(text, cursor), before, last: undefined, column: undefined }
}

function ordered(one: number, other: number): [number, number] {
  return one < other ? [one, other] : [other, one]
}
