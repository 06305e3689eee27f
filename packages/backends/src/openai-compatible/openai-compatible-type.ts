import { type Backend, LmappError } from 'lmapp-kit'
import { type ExternalContext, type ExternalDefinition, proofsIn } from '../external/index.ts'
import { apiKeyOf } from '../http/index.ts'
import { createOpenAiCompatibleBackend } from './openai-compatible-backend.ts'

/** Any server that speaks OpenAI's API, at the configured `url`. `create` throws `config-invalid` without one. */
export const openaiCompatibleBackendType = {
  name: 'openai-compatible',
  execution: 'built-in',
  owner: 'external',
  create(definition: ExternalDefinition, { timeouts, dataDir }: ExternalContext): Backend {
    const { url } = definition.config
    if (url === undefined) throw withoutUrl(definition.id)
    const apiKey = apiKeyOf(definition)
    return createOpenAiCompatibleBackend({ url, timeouts, proofs: proofsIn(dataDir), ...(apiKey && { apiKey }) })
  },
  describeAddress: ({ config }: ExternalDefinition): string | undefined => config.url,
} as const

function withoutUrl(id: string | undefined): LmappError {
  return new LmappError('config-invalid', `The backend ${id ? `"${id}" ` : ''}has no url.`, {
    hint: 'Give it one, such as http://10.0.0.5:8000/v1: lmapp config edit',
    details: { ...(id !== undefined && { backend: id }) },
  })
}
