import type { RunEvent, TokenProbability } from 'lmapp-kit'

/** What an answer is made of, one after the other. Its stream is a tale of them, and can be told again. */
export type Step =
  | { type: 'text'; text: string; logprobs?: TokenProbability[] }
  | { type: 'reasoning'; text: string }
  | { type: 'call'; id: string; name: string; arguments: string }
  /** It waits for its turn. */
  | { type: 'queued' }
  /** It is worked on, and there is no word yet. */
  | { type: 'working' }

export function toStep(event: RunEvent): Step | undefined {
  switch (event.type) {
    case 'text-delta':
      if (!event.logprobs) return { type: 'text', text: event.text }
      return { type: 'text', text: event.text, logprobs: event.logprobs }
    case 'reasoning-delta':
      return { type: 'reasoning', text: event.text }
    case 'tool-call':
      return { type: 'call', id: event.id, name: event.name, arguments: event.arguments }
    case 'status':
      return { type: event.phase === 'queued' ? 'queued' : 'working' }
    case 'start':
    case 'warning':
    case 'handover':
    case 'end':
      return undefined
    default:
      return event satisfies never
  }
}
