import type { Health, ModelHealth } from 'lmapp-kit'
import type { OpenChat } from '../external/index.ts'
import type { ServedModel } from './catalogue.ts'

/** What waits for a model that a router has not in memory makes it load. */
export function toHealth(models: readonly ServedModel[], chats: readonly OpenChat[]): Health {
  const awaited = new Set(chats.filter(({ answering }) => !answering).map(({ model }) => model))
  return {
    ...toRunning(chats),
    models: models.map(({ info: { id }, state }) => ({
      id,
      state: state === 'unloaded' && awaited.has(id) ? 'loading' : state,
    })),
  }
}

/** The server says nothing of its one model until it has loaded it, not even its name. */
export function toLoadingHealth(chats: readonly OpenChat[]): Health {
  const names = new Set(chats.map(({ model }) => model))
  const models: ModelHealth[] = [...names].map((id) => ({ id, state: 'loading' }))
  return { ...toRunning(chats), degraded: 'It is loading its model.', models }
}

function toRunning(chats: readonly OpenChat[]) {
  return { running: true, state: 'running' as const, active: chats.length, queued: 0 }
}
