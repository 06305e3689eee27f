import type { RunEnd } from 'lmapp-kit'
import type { JsonSchema } from '../../parse/fields.ts'

/** What an answer took. Durations are nanoseconds; what the engine does not say is left out, as Ollama does. */
export interface Metrics {
  total_duration: number
  load_duration?: number
  prompt_eval_count?: number
  prompt_eval_duration?: number
  eval_count?: number
  eval_duration?: number
}

const count = { type: 'integer', minimum: 0 }
const duration = { ...count, description: 'Nanoseconds.' }

export const metricsProperties: JsonSchema = {
  total_duration: duration,
  load_duration: duration,
  prompt_eval_count: count,
  prompt_eval_duration: duration,
  eval_count: count,
  eval_duration: duration,
}

export function toMetrics({ usage, timings }: Pick<RunEnd, 'usage' | 'timings'>): Metrics {
  const { inputTokens, outputTokens } = usage
  const { loadMs, promptMs, totalMs, firstTokenMs } = timings
  const generationMs = timings.generationMs ?? (firstTokenMs === undefined ? undefined : totalMs - firstTokenMs)
  return {
    total_duration: toNanoseconds(totalMs),
    ...(loadMs !== undefined && { load_duration: toNanoseconds(loadMs) }),
    ...(inputTokens !== undefined && { prompt_eval_count: inputTokens }),
    ...(promptMs !== undefined && { prompt_eval_duration: toNanoseconds(promptMs) }),
    ...(outputTokens !== undefined && { eval_count: outputTokens }),
    ...(generationMs !== undefined && { eval_duration: toNanoseconds(generationMs) }),
  }
}

export function toNanoseconds(milliseconds: number): number {
  return Math.max(0, Math.round(milliseconds * 1e6))
}
