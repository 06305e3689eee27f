import { type Health, isLmappError, type ModelHealth } from 'lmapp-kit'
import type { OpenChat } from './open-chats.ts'

/** Of an engine that answers. `loads`: it loads a model when a chat asks for it, so who waits for one makes it load. */
export function toHealth(
  ready: readonly string[],
  chats: readonly OpenChat[],
  { loads = false }: { loads?: boolean } = {},
): Health {
  const awaited = chats.filter(({ answering, model }) => loads && !answering && !ready.includes(model))
  const models: ModelHealth[] = [
    ...ready.map((id) => ({ id, state: 'ready' as const })),
    ...[...new Set(awaited.map(({ model }) => model))].map((id) => ({ id, state: 'loading' as const })),
  ]
  return { running: true, state: 'running', active: chats.length, queued: 0, models }
}

/** Nobody there is no failure: somebody else starts the engine, or does not. Bugs are thrown on. */
export function toAbsence(error: unknown, chats: readonly OpenChat[], engine: string): Health {
  const absent = { running: false, active: chats.length, queued: 0, models: [] }
  const hangs = isLmappError(error) && isLmappError(error.cause, 'stalled')
  if (isLmappError(error, 'backend-unreachable') && !hangs) return { ...absent, state: 'stopped' }
  if (isLmappError(error, 'cancelled')) return { ...absent, state: 'failed', degraded: `${engine} does not answer.` }
  if (isLmappError(error)) return { ...absent, state: 'failed', degraded: error.message }
  throw error
}

/** Milliseconds that a person waits at most to hear whether it is there. */
const longestHealthMs = 4_000

/** For a question about health: the caller's signal, and an end after `milliseconds`, or sooner. */
export function healthLimit(milliseconds: number, signal: AbortSignal | undefined): AbortSignal {
  const limit = AbortSignal.timeout(Math.min(milliseconds, longestHealthMs))
  return signal ? AbortSignal.any([signal, limit]) : limit
}

/** Undefined where nobody is there, or somebody else. A cancelled question is thrown on, and so is a bug. */
export async function ifThere<T>(identified: Promise<T>): Promise<T | undefined> {
  try {
    return await identified
  } catch (error) {
    if (isLmappError(error) && error.code !== 'cancelled') return undefined
    throw error
  }
}
