import type { Inspection } from './backend-type.ts'
import type { RegisteredBackend } from './registry.ts'

/** What its type finds out on this machine; undefined where the type has no way to look. */
export async function inspectBackend(target: RegisteredBackend): Promise<Inspection | undefined> {
  const { type, definition, context } = target
  return type.inspect?.(definition, context, target.backend)
}
