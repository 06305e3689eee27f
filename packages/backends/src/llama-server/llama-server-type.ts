import type { Backend } from 'lmapp-kit'
import { type ExternalContext, type ExternalDefinition, proofsIn } from '../external/index.ts'
import { apiKeyOf } from '../http/index.ts'
import { createLlamaServerBackend } from './llama-server-backend.ts'

/** Where it listens unless it is told otherwise: 8080 until August 2026, 9931 since. */
const usualUrls = ['http://127.0.0.1:8080', 'http://127.0.0.1:9931']

/** A llama-server at the configured `url`, else at the first of its usual ports where one is. */
export const llamaServerBackendType = {
  name: 'llama-server',
  execution: 'built-in',
  owner: 'external',
  create(definition: ExternalDefinition, { timeouts, dataDir }: ExternalContext): Backend {
    const apiKey = apiKeyOf(definition)
    return createLlamaServerBackend({
      urls: urlsOf(definition),
      timeouts,
      proofs: proofsIn(dataDir),
      ...(apiKey && { apiKey }),
    })
  },
  describeAddress: ({ config }: ExternalDefinition): string => config.url ?? 'http://127.0.0.1:8080 or :9931',
} as const

function urlsOf({ config }: ExternalDefinition): readonly string[] {
  return config.url === undefined ? usualUrls : [config.url]
}
