import { createSupervisor, type Supervisor } from '../../processes/index.ts'
import type { OwnServer } from './launch.ts'

/** At most one Ollama of our own for all backends that would start the same. */
export interface OwnServers {
  /** Starts nothing. `launch` counts where nobody else has a lease on the same. */
  lease(key: string, launch: (signal: AbortSignal) => Promise<OwnServer>): OwnServerLease
}

/** Disposing it ends the process when nobody else has one. */
export interface OwnServerLease extends AsyncDisposable {
  readonly supervisor: Supervisor<OwnServer>
}

export function createOwnServers(): OwnServers {
  const shared = new Map<string, { supervisor: Supervisor<OwnServer>; leases: number }>()
  return {
    lease(key, launch) {
      const server = shared.get(key) ?? { supervisor: createSupervisor({ name: 'ollama', launch }), leases: 0 }
      shared.set(key, server)
      server.leases += 1
      let released = false
      return {
        supervisor: server.supervisor,
        async [Symbol.asyncDispose]() {
          if (released) return
          released = true
          server.leases -= 1
          if (server.leases > 0) return
          shared.delete(key)
          await server.supervisor.stop()
        },
      }
    },
  }
}
