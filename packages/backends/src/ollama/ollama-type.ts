import type { Backend } from 'lmapp-kit'
import { apiKeyOf } from '../http/index.ts'
import { createOllamaBackend } from './ollama-backend.ts'
import { parseOllamaHost } from './ollama-host.ts'

interface Definition {
  config: { url?: string; apiKeyEnv?: string; apiKeyFile?: string }
  environment: Readonly<Record<string, string>>
}

interface Context {
  timeouts: { connectMs: number; stallMs: number; loadMs: number }
}

/** An Ollama at the configured `url`, else at `OLLAMA_HOST`, else where it listens by default. */
export const ollamaBackendType = {
  name: 'ollama',
  execution: 'built-in',
  owner: 'external',
  variables: ['OLLAMA_HOST'],
  create(definition: Definition, { timeouts }: Context): Backend {
    const apiKey = apiKeyOf(definition)
    return createOllamaBackend({ url: addressOf(definition), timeouts, ...(apiKey && { apiKey }) })
  },
  describeAddress: addressOf,
} as const

function addressOf({ config, environment }: Definition): string {
  return parseOllamaHost(config.url ?? environment.OLLAMA_HOST).url
}
