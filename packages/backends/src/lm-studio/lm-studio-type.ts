import type { Backend } from 'lmapp-kit'
import { apiKeyOf } from '../http/index.ts'
import { createLmStudioBackend } from './lm-studio-backend.ts'

interface Definition {
  config: { url?: string; apiKeyEnv?: string; apiKeyFile?: string }
  environment: Readonly<Record<string, string>>
}

interface Context {
  timeouts: { connectMs: number; stallMs: number; loadMs: number }
}

const defaultUrl = 'http://127.0.0.1:1234'

/** An LM Studio at the configured `url`, else where its server listens by default. */
export const lmStudioBackendType = {
  name: 'lm-studio',
  execution: 'built-in',
  owner: 'external',
  create(definition: Definition, { timeouts }: Context): Backend {
    const apiKey = apiKeyOf(definition)
    return createLmStudioBackend({ url: addressOf(definition), timeouts, ...(apiKey && { apiKey }) })
  },
  describeAddress: addressOf,
} as const

/** Its pages give the address with `/v1`, but the greeting and its own list stand beside that. */
function addressOf({ config }: Definition): string {
  return (config.url ?? defaultUrl).replace(/\/+$/, '').replace(/\/v1$/, '')
}
