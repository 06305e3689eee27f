import { formatCount, formatPlural } from '../../../../output/format.ts'

/** Something that stands in a message as one character: a long paste, a picture, a file. */
export interface Chip {
  /** Shown in brackets. */
  readonly label: string
  /** What is sent in its place; absent: nothing. */
  readonly text?: string
  /** The caller's own, handed back with the message. */
  readonly value?: unknown
}

/** What stands for each chip in the text: a character of the last private area of Unicode. */
export type Chips = ReadonlyMap<string, Chip>

const firstMark = 0x10f000
const mostChips = 0xffd
const marks = /[\u{10f000}-\u{10fffd}]/gu
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g

/** Where a paste, or a text that comes back from the history, becomes a chip. */
const longest = { lines: 5, characters: 1000 }

export function isChipMark(unit: string): boolean {
  const code = unit.codePointAt(0) ?? 0
  return code >= firstMark && code <= firstMark + mostChips
}

/** Undefined when there are too many already. */
export function addChip(chips: Chips, chip: Chip): { mark: string; chips: Chips } | undefined {
  if (chips.size > mostChips) return undefined
  const mark = String.fromCodePoint(firstMark + chips.size)
  return { mark, chips: new Map(chips).set(mark, chip) }
}

/** Those that stand in the text, in their order there. */
export function chipsIn(text: string, chips: Chips): Chip[] {
  return (text.match(marks) ?? []).flatMap((mark) => chips.get(mark) ?? [])
}

/** The text as it is meant: each chip replaced by what it stands for. */
export function expandChips(text: string, chips: Chips): string {
  return text.replace(marks, (mark) => chips.get(mark)?.text ?? '')
}

/** Text from outside: no control characters but tabs and line feeds, nothing that looks like a chip. */
export function toPlainText(text: string): string {
  return text.toWellFormed().replace(/\r\n?/g, '\n').replace(controls, '').replace(marks, '\ufffd')
}

export function isLong(text: string): boolean {
  return text.length > longest.characters || countLines(text) > longest.lines
}

export function toTextChip(verb: string, text: string): Chip {
  const lines = countLines(text)
  const size = lines > 1 ? `${formatCount(lines)} lines` : formatPlural(text.length, 'character')
  return { label: `${verb} ${size}`, text }
}

export function countLines(text: string): number {
  let lines = 1
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines++
  return lines
}
