import type { Config } from '@lmapp/core/config'
import type { ServeSettings } from '@lmapp/server'

/** What configuration says of those who come by TCP, at hand for every request. */
export interface ServeSettingsReader {
  readonly current: ServeSettings
  /** Looks at the file again; undefined when that was done a moment ago. Never rejects: what held before goes on. */
  refresh(): Promise<void> | undefined
}

const momentMs = 100

export function createServeSettings(config: () => Promise<Config>, now: () => number = Date.now): ServeSettingsReader {
  // Until the file was read, nobody gets more than the least.
  let current: ServeSettings = { allowPull: false, requireKey: true, history: false, origins: [], hosts: [] }
  let lookedAt = Number.NEGATIVE_INFINITY
  const look = async () => {
    try {
      current = (await config()).serve
    } catch {
      // A mistake in the file is told to whoever asks something of a backend.
    }
  }
  return {
    get current() {
      return current
    },
    refresh() {
      if (now() - lookedAt < momentMs) return undefined
      lookedAt = now()
      return look()
    },
  }
}
