import type { Backend } from 'lmapp-kit'
import { createMockBackend } from 'lmapp-kit/testkit'

/** What the mock reads of its entry under `backends` in the configuration. */
export interface MockDefinition {
  config: {
    /** A `MockScript` for each model. Absent: the default models. */
    models?: Record<string, unknown>
    /** A `MockBehaviour`. */
    config?: Record<string, unknown>
  }
}

/** The scripted backend, as a type of backend among the others. `create` throws `config-invalid`. */
export const mockBackendType = {
  name: 'mock',
  execution: 'built-in',
  owner: 'lmapp',
  /** Its answers are no model's: only who names it gets it. */
  onlyWhenNamed: true,
  create({ config }: MockDefinition): Backend {
    return createMockBackend({ models: config.models, config: config.config })
  },
} as const
