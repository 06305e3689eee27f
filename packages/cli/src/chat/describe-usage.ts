import type { RunEnd } from 'lmapp-kit'
import { formatDuration, formatPlural } from '../output/format.ts'
import { toOneLine } from '../output/sanitize.ts'

/** `box1/tiny · 42 tokens · 31 tok/s · first token 0.2 s` */
export function describeUsage(model: string, { usage, timings }: Pick<RunEnd, 'usage' | 'timings'>): string {
  const tokens = usage.outputTokens
  const speed = tokensPerSecond(tokens, timings)
  return [
    toOneLine(model),
    tokens === undefined ? '' : formatPlural(tokens, 'token'),
    speed === undefined ? '' : `${speed < 10 ? speed.toFixed(1) : Math.round(speed)} tok/s`,
    timings.firstTokenMs === undefined ? '' : `first token ${formatDuration(timings.firstTokenMs)}`,
  ]
    .filter((part) => part !== '')
    .join(' · ')
}

/** As the engine timed it, else from the first token to the end. */
function tokensPerSecond(tokens: number | undefined, timings: RunEnd['timings']): number | undefined {
  const { generationMs, firstTokenMs, totalMs } = timings
  const spent = generationMs ?? (firstTokenMs === undefined ? undefined : totalMs - firstTokenMs)
  if (tokens === undefined || tokens < 2 || spent === undefined || spent <= 0) return undefined
  return tokens / (spent / 1000)
}
