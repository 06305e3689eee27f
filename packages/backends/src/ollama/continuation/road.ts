import { LmappError, type Part } from 'lmapp-kit'
import type { Asked } from '../answer.ts'
import type { ModelDetails } from '../models.ts'

/** One way by which Ollama goes on with a partial answer. */
export interface Road {
  /** Part of what a proof holds for. */
  name: string
  /** Whether it is worth a trial. Undefined details: Ollama does not say. */
  mayLead(details: ModelDetails | undefined): boolean
  /** What is new. Throws `unsupported` before the first of it where it cannot be exact. */
  go(asked: Asked, signal: AbortSignal): AsyncGenerator<Part, void, undefined>
}

export function refusal(model: string, where: string): LmappError {
  return new LmappError('unsupported', `Ollama cannot go on with an answer of ${model} ${where}.`, {
    hint: 'Ask anew, or go on with another model: lmapp continue -m MODEL',
    details: { model, capability: 'continue' },
  })
}
