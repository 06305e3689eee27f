import { LmappError } from 'lmapp-kit'
import type { Inspection } from './backend-type.ts'
import { inspectBackend } from './inspect-backend.ts'
import type { BackendRegistry, RegisteredBackend } from './registry.ts'

type Environment = Readonly<Record<string, string>>

/** Starting and stopping by hand what a request would start by itself. */
export interface BackendControl {
  /** Idempotent. Throws `not-found`, and what keeps the engine from starting. */
  start(name: string, environment: Environment, signal: AbortSignal): Promise<void>
  /** Answers that it is writing are cut short. Idempotent. Throws `not-found`, `not-owner`. */
  stop(name: string, environment: Environment): Promise<void>
}

export function createBackendControl(registry: BackendRegistry): BackendControl {
  return {
    async start(name, environment, signal) {
      const target = await registry.get(name, environment)
      using _lease = target.lease()
      await target.backend.start({ signal })
      target.breaker.succeeded()
    },
    async stop(name, environment) {
      const target = await registry.get(name, environment)
      const inspection = await inspectBackend(target)
      if ((inspection?.owner ?? target.type.owner) !== 'lmapp') throw notOwner(target, inspection)
      await target.backend.stop()
    },
  }
}

function notOwner({ id }: RegisteredBackend, inspection: Inspection | undefined): LmappError {
  const { managedBy = 'another program', restart } = inspection ?? {}
  return new LmappError('not-owner', `"${id}" is run by ${managedBy}, so lmapp does not stop it.`, {
    ...(restart !== undefined && { hint: `Its manager restarts it: ${restart}` }),
    details: { name: id, managedBy, ...(restart !== undefined && { restart }) },
  })
}
