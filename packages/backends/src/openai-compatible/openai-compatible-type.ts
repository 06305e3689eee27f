import { type Backend, LmappError } from 'lmapp-kit'
import { apiKeyOf } from '../http/index.ts'
import { createOpenAiCompatibleBackend } from './openai-compatible-backend.ts'

interface Definition {
  id?: string
  config: { url?: string; apiKeyEnv?: string; apiKeyFile?: string }
  environment: Readonly<Record<string, string>>
}

interface Context {
  timeouts: { connectMs: number; stallMs: number; loadMs: number }
}

/** Any server that speaks OpenAI's API, at the configured `url`. `create` throws `config-invalid` without one. */
export const openaiCompatibleBackendType = {
  name: 'openai-compatible',
  execution: 'built-in',
  owner: 'external',
  create(definition: Definition, { timeouts }: Context): Backend {
    const { url } = definition.config
    if (url === undefined) throw withoutUrl(definition.id)
    const apiKey = apiKeyOf(definition)
    return createOpenAiCompatibleBackend({ url, timeouts, ...(apiKey && { apiKey }) })
  },
  describeAddress: ({ config }: Definition): string | undefined => config.url,
} as const

function withoutUrl(id: string | undefined): LmappError {
  return new LmappError('config-invalid', `The backend ${id ? `"${id}" ` : ''}has no url.`, {
    hint: 'Give it one, such as http://10.0.0.5:8000/v1: lmapp config edit',
    details: { ...(id !== undefined && { backend: id }) },
  })
}
