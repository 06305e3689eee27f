import type { Config } from './config.ts'

/** Names of the environment variables that a front sends along with its requests. */
export function forwardedVariables(config: Config): string[] {
  const keys = Object.values(config.backends).flatMap(({ apiKeyEnv }) => apiKeyEnv ?? [])
  return [...new Set([...standardVariables, ...keys])]
}

const standardVariables = ['OLLAMA_HOST', 'OLLAMA_MODELS', 'HF_ENDPOINT', 'HF_HOME', 'HF_TOKEN'] as const
