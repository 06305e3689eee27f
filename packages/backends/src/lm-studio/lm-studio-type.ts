import type { Backend } from 'lmapp-kit'
import type { ExternalContext, ExternalDefinition } from '../external/index.ts'
import { apiKeyOf } from '../http/index.ts'
import { createLmStudioBackend } from './lm-studio-backend.ts'

const defaultUrl = 'http://127.0.0.1:1234'

/** An LM Studio at the configured `url`, else where its server listens by default. */
export const lmStudioBackendType = {
  name: 'lm-studio',
  execution: 'built-in',
  owner: 'external',
  create(definition: ExternalDefinition, { timeouts }: ExternalContext): Backend {
    const apiKey = apiKeyOf(definition)
    return createLmStudioBackend({ url: addressOf(definition), timeouts, ...(apiKey && { apiKey }) })
  },
  describeAddress: addressOf,
} as const

/** Its pages give the address with `/v1`, but the greeting and its own list stand beside that. */
function addressOf({ config }: ExternalDefinition): string {
  return (config.url ?? defaultUrl).replace(/\/+$/, '').replace(/\/v1$/, '')
}
