import type { RunEnd } from 'lmapp-kit'
import { formatCount, formatDuration, formatPlural } from '../output/format.ts'
import { toOneLine } from '../output/sanitize.ts'

/** Of less, a rate says nothing. */
const leastTokens = 5
const leastMs = 50

/** `box1/tiny · 42 tokens · 31 tok/s · first token 0.2 s · context 1,234/8,192` */
export function describeUsage(model: string, { usage, timings }: Pick<RunEnd, 'usage' | 'timings'>): string {
  const tokens = usage.outputTokens
  const spent = generationTime(timings)
  const isMeasured = (tokens ?? leastTokens) >= leastTokens && (spent ?? leastMs) >= leastMs
  const speed = isMeasured ? tokensPerSecond(tokens, spent) : undefined
  return [
    toOneLine(model),
    tokens === undefined ? '' : formatPlural(tokens, 'token'),
    speed === undefined ? '' : `${speed < 10 ? speed.toFixed(1) : Math.round(speed)} tok/s`,
    timings.firstTokenMs === undefined || !isMeasured ? '' : `first token ${formatDuration(timings.firstTokenMs)}`,
    describeContext(usage),
  ]
    .filter((part) => part !== '')
    .join(' · ')
}

function describeContext({ inputTokens, outputTokens = 0, contextLength }: RunEnd['usage']): string {
  if (inputTokens === undefined || contextLength === undefined) return ''
  return `context ${formatCount(inputTokens + outputTokens)}/${formatCount(contextLength)}`
}

/** As the engine timed it, else from the first token to the end. */
function generationTime({ generationMs, firstTokenMs, totalMs }: RunEnd['timings']): number | undefined {
  return generationMs ?? (firstTokenMs === undefined ? undefined : totalMs - firstTokenMs)
}

function tokensPerSecond(tokens: number | undefined, spent: number | undefined): number | undefined {
  return tokens === undefined || spent === undefined ? undefined : tokens / (spent / 1000)
}
