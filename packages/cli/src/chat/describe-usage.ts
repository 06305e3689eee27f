import type { RunEnd } from 'lmapp-kit'
import { formatCount, formatDuration, formatPlural } from '../output/format.ts'
import { toOneLine } from '../output/sanitize.ts'

/** Of less, a rate says nothing. */
const leastTokens = 5
const leastMs = 50

/** From here on the context counts as nearly full. */
const nearlyFull = 0.8

/** `box1/tiny · 42 tokens · 31 tok/s · first token 0.2 s · context 1,234/8,192` */
export function describeUsage(model: string, end: Pick<RunEnd, 'usage' | 'timings'>): string {
  return [describeAnswer(model, end), describeContext(end.usage)].filter((part) => part !== '').join(' · ')
}

/** The same without the context. */
export function describeAnswer(model: string, { usage, timings }: Pick<RunEnd, 'usage' | 'timings'>): string {
  const tokens = usage.outputTokens
  const spent = generationTime(timings)
  const isMeasured = (tokens ?? leastTokens) >= leastTokens && (spent ?? leastMs) >= leastMs
  const speed = isMeasured ? tokensPerSecond(tokens, spent) : undefined
  return [
    toOneLine(model),
    tokens === undefined ? '' : formatPlural(tokens, 'token'),
    speed === undefined ? '' : `${speed < 10 ? speed.toFixed(1) : Math.round(speed)} tok/s`,
    timings.firstTokenMs === undefined || !isMeasured ? '' : `first token ${formatDuration(timings.firstTokenMs)}`,
  ]
    .filter((part) => part !== '')
    .join(' · ')
}

/** `context 7,234/8,192, 88 % full`: how full is said only when it matters. */
export function describeContext(usage: RunEnd['usage']): string {
  const { inputTokens = 0, outputTokens = 0, contextLength } = usage
  const use = contextUse(usage)
  if (use === undefined || contextLength === undefined) return ''
  const full = isNearlyFull(usage) ? `, ${Math.floor(100 * use)} % full` : ''
  return `context ${formatCount(inputTokens + outputTokens)}/${formatCount(contextLength)}${full}`
}

export function isNearlyFull(usage: RunEnd['usage']): boolean {
  return (contextUse(usage) ?? 0) > nearlyFull
}

/** The part of the context that prompt and answer take, from 0 to 1; undefined where the engine does not say. */
function contextUse({ inputTokens, outputTokens = 0, contextLength }: RunEnd['usage']): number | undefined {
  if (inputTokens === undefined || contextLength === undefined || contextLength <= 0) return undefined
  return (inputTokens + outputTokens) / contextLength
}

/** As the engine timed it, else from the first token to the end. */
function generationTime({ generationMs, firstTokenMs, totalMs }: RunEnd['timings']): number | undefined {
  return generationMs ?? (firstTokenMs === undefined ? undefined : totalMs - firstTokenMs)
}

function tokensPerSecond(tokens: number | undefined, spent: number | undefined): number | undefined {
  return tokens === undefined || spent === undefined ? undefined : tokens / (spent / 1000)
}
