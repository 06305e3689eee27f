import { displayWidth, padWidth } from '../../../../output/width.ts'
import type { Prompt } from '../prompt.ts'
import { isOpenBlock } from '../text/block.ts'
import type { Candidate, CompletionList } from '../text/completion.ts'
import type { HistorySearch } from '../text/history-search.ts'
import { joinCells, type Row, toRow } from './cell.ts'
import { type Size, toHint, type View } from './frame.ts'

const mostCandidates = 8
const widestLabel = 32

/** What is shown of a prompt. */
export function toView(prompt: Prompt, size: Size): View {
  const { text, cursor, chips } = prompt.state
  const isBlock = !prompt.search && isOpenBlock(text)
  return { text, cursor, chips, isBlock, below: below(prompt, isBlock, size) }
}

/** As it stays on the screen when it is sent: all of the text, the cursor at its end, nothing below. */
export function toSentView({ state: { text, chips } }: Prompt): View {
  return { text, cursor: text.length, chips, isBlock: text.trimStart().startsWith('"""'), below: [] }
}

function below({ list, search, note }: Prompt, isBlock: boolean, size: Size): Row[] {
  if (search) return [toHint(describeSearch(search), size)]
  if (list) return toList(list, size)
  if (note !== undefined) return [toHint(note, size)]
  return isBlock ? [toHint('""" at its end sends it.', size)] : []
}

function describeSearch({ query, failed, messages }: HistorySearch): string {
  if (messages.length === 0) return 'Nothing was typed before.'
  if (query === '') return 'Search what was typed before:'
  return failed ? `Nothing more with: ${query}` : `Search: ${query} · Ctrl-R older · Enter takes it · Esc leaves`
}

/** So many of them around the one that is taken. */
function toList({ candidates, index }: CompletionList, size: Size): Row[] {
  const first = Math.max(0, Math.min(index - mostCandidates + 2, candidates.length - mostCandidates))
  const shown = candidates.slice(first, first + mostCandidates)
  const labels = shown.map(({ label, insert }) => label ?? insert)
  const width = Math.min(widestLabel, Math.max(...labels.map(displayWidth)))
  const rows = shown.map((candidate, at) => toListRow(candidate, { isTaken: first + at === index, width, size }))
  const others = candidates.length - shown.length
  return others > 0 ? [...rows, toHint(`  … ${others} more`, size)] : rows
}

interface ListRow {
  isTaken: boolean
  width: number
  size: Size
}

function toListRow({ insert, label = insert, hint }: Candidate, { isTaken, width, size }: ListRow): Row {
  const room = size.columns - 1
  const name = toRow(
    `${isTaken ? '› ' : '  '}${hint ? padWidth(label, width) : label}`,
    room,
    isTaken ? 'bold' : undefined,
  )
  const meaning = hint ? toRow(`  ${hint}`, room - name.width, 'dim') : joinCells([])
  return joinCells([...name.cells, ...meaning.cells])
}
