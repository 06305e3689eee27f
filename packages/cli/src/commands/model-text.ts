import type { ApiModel, ApiModelFit } from 'lmapp-client'
import { formatBytes, formatCount, formatTime } from '../output/format.ts'
import { toOneLine } from '../output/sanitize.ts'
import { type Column, toFields, toTable, wrap } from '../output/table.ts'
import { displayWidth } from '../output/width.ts'

/** One table, as wide as it may be: where it does not fit, columns go; where that is not enough, each model takes two lines. */
export function toModelTable(models: readonly ApiModel[], width: number): string {
  for (const layout of layouts) {
    const columns = layout.filter((column) => column.kept || models.some((model) => column.text(model) !== ''))
    const rows = models.map((model) => columns.map(({ text }) => text(model)))
    if (widthOf(columns, rows) <= width) return toTable(columns, rows, width)
  }
  return models.map((model) => toLines(model, width)).join('')
}

/** What can be said of whether it fits, in a few words. */
export function describeFit(fit: ApiModelFit): string {
  const { state, neededBytes, freeBytes, longestContext = 0 } = fit
  if (state === 'fits') return 'fits'
  if (state === 'tight') return `tight (${formatContext(longestContext)})`
  return `too large: ${formatBytes(neededBytes)} of ${formatBytes(freeBytes)} free`
}

/** A sentence with the numbers. */
export function explainFit({ state, neededBytes, freeBytes, contextLength, longestContext = 0 }: ApiModelFit): string {
  const free = `${formatBytes(freeBytes)} are free`
  const context = contextLength > 0 ? ` with ${formatCount(contextLength)} tokens of context` : ''
  const needs = `needs ${formatBytes(neededBytes)}${context}, ${free}`
  if (state === 'fits') return `fits: ${needs}`
  if (state === 'tight') return `tight: ${needs}; ${formatCount(longestContext)} tokens fit`
  return `too large: ${needs}`
}

export function toModelFields(model: ApiModel, width: number): string {
  const can = Object.entries(model.capabilities ?? {}).filter(([, support]) => support === 'yes')
  return toFields(
    [
      ['Model', toOneLine(model.ref)],
      ['State', model.loaded ? 'loaded' : ''],
      ['Memory', model.fit ? explainFit(model.fit) : ''],
      ['Size', sizeOf(model)],
      ['Parameters', model.parameters ?? ''],
      ['Quantization', model.quantization ?? ''],
      ['Family', model.family ?? ''],
      ['Context', model.contextLength === undefined ? '' : `${formatCount(model.contextLength)} tokens`],
      ['Can', can.map(([name]) => name).join(', ')],
      ['License', toOneLine(model.license ?? '').slice(0, 200)],
      ['Checksum', model.digest ?? ''],
      ['File', toOneLine(model.path ?? '')],
      ['From', toOneLine(model.origin ?? '')],
      ['Last used', model.lastUsedAt === undefined ? '' : formatTime(model.lastUsedAt)],
    ],
    width,
  )
}

interface ModelColumn extends Column {
  /** Also where it is empty for every model. */
  kept?: boolean
  text(model: ApiModel): string
}

const stateOf = (model: ApiModel, describe: (fit: ApiModelFit) => string): string =>
  model.loaded ? 'loaded' : model.fit ? describe(model.fit) : ''

const shortFit = (fit: ApiModelFit): string => (fit.state === 'too-large' ? 'too large' : describeFit(fit))

const nameColumn: ModelColumn = { title: 'MODEL', kept: true, text: ({ ref }) => toOneLine(ref) }
const sizeColumn: ModelColumn = { title: 'SIZE', align: 'right', kept: true, text: sizeOf }
const kindColumn: ModelColumn = { title: 'KIND', text: kindOf }
const contextColumn: ModelColumn = { title: 'CONTEXT', align: 'right', text: contextOf }
const originColumn: ModelColumn = { title: 'FROM', text: ({ origin = '' }) => toOneLine(origin) }
const fullState: ModelColumn = { title: 'STATE', kept: true, text: (model) => stateOf(model, describeFit) }
const shortState: ModelColumn = { title: 'STATE', kept: true, text: (model) => stateOf(model, shortFit) }

/** From the fullest to the barest; the name is always whole, so that it can be copied. */
const layouts: readonly (readonly ModelColumn[])[] = [
  [nameColumn, sizeColumn, kindColumn, contextColumn, fullState, originColumn],
  [nameColumn, sizeColumn, kindColumn, contextColumn, shortState, originColumn],
  [nameColumn, sizeColumn, kindColumn, contextColumn, shortState],
  [nameColumn, sizeColumn, kindColumn, shortState],
  [nameColumn, sizeColumn, shortState],
]

function widthOf(columns: readonly Column[], rows: readonly (readonly string[])[]): number {
  const widths = columns.map(({ title }, index) =>
    Math.max(displayWidth(title), ...rows.map((row) => displayWidth(row[index] ?? ''))),
  )
  return widths.reduce((sum, width) => sum + width, 2 * (columns.length - 1))
}

function toLines(model: ApiModel, width: number): string {
  const facts = [sizeOf(model), kindOf(model), contextOf(model), stateOf(model, describeFit), model.origin ?? '']
  const lines = wrap(facts.filter(Boolean).map(toOneLine).join(' · '), Math.max(16, width - 2))
  return [toOneLine(model.ref), ...lines.filter(Boolean).map((line) => `  ${line}`)].map((line) => `${line}\n`).join('')
}

function sizeOf({ sizeBytes }: ApiModel): string {
  return sizeBytes === undefined ? '' : formatBytes(sizeBytes)
}

function kindOf({ parameters, quantization }: ApiModel): string {
  return toOneLine([parameters, quantization].filter(Boolean).join(' '))
}

function contextOf({ contextLength }: ApiModel): string {
  return contextLength === undefined ? '' : formatContext(contextLength)
}

/** 131072 → `128k`. */
export function formatContext(tokens: number): string {
  return tokens < 1024 ? String(tokens) : `${Math.round(tokens / 1024)}k`
}
