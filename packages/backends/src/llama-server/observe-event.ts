import type { Status, Timings } from 'lmapp-kit'
import { type Fields, isFields, toOptionalCount } from '../json/fields.ts'
import type { Observation } from '../openai-wire/index.ts'

/** What llama-server adds to the events of its streams: how far it has read, and how long it took. */
export function observeEvent({ prompt_progress, timings }: Fields): Observation {
  return {
    ...(isFields(prompt_progress) && { parts: [toPromptStatus(prompt_progress)] }),
    ...(isFields(timings) && { timings: toTimings(timings) }),
  }
}

/** `processed` includes what was cached. */
function toPromptStatus({ processed, total, cache }: Fields): Status {
  const done = toOptionalCount(processed)
  const all = toOptionalCount(total)
  const cachedTokens = toOptionalCount(cache)
  return {
    type: 'status',
    phase: 'prompt',
    ...(done !== undefined && {
      progress: { done, ...(all !== undefined && all >= done && { total: all }), unit: 'tokens' as const },
    }),
    ...(cachedTokens !== undefined && { vendor: { cachedTokens } }),
  }
}

function toTimings(timings: Fields): Timings {
  const promptMs = toOptionalCount(timings.prompt_ms)
  const generationMs = toOptionalCount(timings.predicted_ms)
  return { ...(promptMs !== undefined && { promptMs }), ...(generationMs !== undefined && { generationMs }) }
}
