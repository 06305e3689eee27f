import type { ApiMessage } from 'lmapp-client'
import { formatCount } from '../../output/format.ts'
import type { Measure } from './measure.ts'

/** `About 5,200 tokens became 640.`, by what an engine counted; empty where none did. */
export function describeSaving(measure: Measure, before: readonly ApiMessage[], after: readonly ApiMessage[]): string {
  if (!measure.isCounted) return ''
  const [from, to] = [before, after].map((messages) => measure.systemTokens + measure.tokens(messages))
  return `About ${toRound(from)} tokens became ${toRound(to)}.`
}

/** An estimate has no more than two digits that say something. */
function toRound(tokens = 0): string {
  return formatCount(Number(tokens.toPrecision(2)))
}
