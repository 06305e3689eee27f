import type { Backend } from 'lmapp-kit'
import type { ExternalContext, ExternalDefinition } from '../external/index.ts'
import { apiKeyOf } from '../http/index.ts'
import { createOllamaBackend } from './ollama-backend.ts'
import { parseOllamaHost } from './ollama-host.ts'

/** An Ollama at the configured `url`, else at `OLLAMA_HOST`, else where it listens by default. */
export const ollamaBackendType = {
  name: 'ollama',
  execution: 'built-in',
  owner: 'external',
  variables: ['OLLAMA_HOST'],
  create(definition: ExternalDefinition, { timeouts }: ExternalContext): Backend {
    const apiKey = apiKeyOf(definition)
    return createOllamaBackend({ url: addressOf(definition), timeouts, ...(apiKey && { apiKey }) })
  },
  describeAddress: addressOf,
} as const

function addressOf({ config, environment }: ExternalDefinition): string {
  return parseOllamaHost(config.url ?? environment.OLLAMA_HOST).url
}
