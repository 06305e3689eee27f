import type { Figure } from './figures.ts'
import { type Absence, type TargetName, targetNames } from './targets.ts'

export interface Verdict {
  /** lmapp's to that of the proxy in Node; absent where it says nothing. */
  ratio?: number
  met?: boolean
}

const titles: Record<TargetName, string> = {
  direct: 'direct',
  go: 'Go proxy',
  node: 'Node proxy',
  lmapp: 'lmapp',
  portkey: 'portkey',
  litellm: 'litellm',
}

export function judge({ values: { lmapp, node }, unit, goal }: Figure): Verdict {
  const ratio = lmapp === undefined || node === undefined || unit === '%' ? undefined : lmapp / node
  const value = goal.of === 'ratio' ? ratio : lmapp
  const met = value === undefined ? undefined : value <= (goal.most ?? value) && value >= (goal.least ?? value)
  return { ...(ratio !== undefined && { ratio }), ...(met !== undefined && { met }) }
}

/** In Markdown: the table, and under it who is not there and what was noted. */
export function toTable(figures: Figure[], absences: Absence[], notes: string[]): string {
  const head = ['what', ...targetNames.map((name) => titles[name]), 'lmapp to Node', 'goal', '']
  const lines = [head, head.map(() => '---'), ...figures.map(toCells)].map((cells) => `| ${cells.join(' | ')} |`)
  const absent = absences.map(({ name, reason }) => `- ${titles[name]} is not measured: ${reason}`)
  return [...lines, '', ...absent, ...new Set(notes.map((note) => `- ${note}`))].join('\n')
}

function toCells(figure: Figure): string[] {
  const { ratio, met } = judge(figure)
  const cells = targetNames.map((name) => toCell(figure.values[name], figure.unit))
  const verdict = met === undefined ? '' : met ? 'met' : 'missed'
  return [figure.what, ...cells, ratio === undefined ? '–' : `${ratio.toFixed(2)} ×`, toGoal(figure), verdict]
}

function toCell(value: number | undefined, unit: Figure['unit']): string {
  if (value === undefined) return '–'
  if (unit === '/s') return Math.round(value).toLocaleString('en')
  return `${value.toFixed(Math.abs(value) < 10 ? 2 : 0)} ${unit}`
}

function toGoal({ goal: { of, most, least }, unit }: Figure): string {
  return `${most === undefined ? `≥ ${least}` : `≤ ${most}`} ${of === 'ratio' ? '×' : unit}`
}
