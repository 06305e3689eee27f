import { type Health, isLmappError, type ModelHealth } from 'lmapp-kit'
import type { LoadedModel } from './models.ts'

/** A chat that is under way here. */
export interface OpenChat {
  model: string
  /** Whether its first token came. */
  answering: boolean
}

/** What waits for a model that is not in memory makes Ollama load it. */
export function toHealth(loaded: readonly LoadedModel[], chats: readonly OpenChat[]): Health {
  const ready = new Set(loaded.map((model) => model.id))
  const awaited = chats.filter((chat) => !chat.answering && !ready.has(chat.model)).map((chat) => chat.model)
  const models: ModelHealth[] = [
    ...loaded.map((model) => ({ id: model.id, state: 'ready' as const })),
    ...[...new Set(awaited)].map((id) => ({ id, state: 'loading' as const })),
  ]
  return { running: true, state: 'running', active: chats.length, queued: 0, models }
}

/** Nobody there is no failure: somebody else starts Ollama, or does not. */
export function toAbsence(error: unknown, chats: readonly OpenChat[]): Health {
  const absent = { running: false, active: chats.length, queued: 0, models: [] }
  const hangs = isLmappError(error) && isLmappError(error.cause, 'stalled')
  if (isLmappError(error, 'backend-unreachable') && !hangs) return { ...absent, state: 'stopped' }
  if (isLmappError(error, 'cancelled')) return { ...absent, state: 'failed', degraded: 'Ollama does not answer.' }
  if (isLmappError(error)) return { ...absent, state: 'failed', degraded: error.message }
  throw error
}
