import { readFileSync } from 'node:fs'
import type { ForwardedEnvironment } from 'lmapp-client'

const always = ['OLLAMA_HOST', 'OLLAMA_MODELS', 'HF_HOME', 'HF_HUB_CACHE', 'LLAMA_CACHE', 'HF_TOKEN', 'HF_ENDPOINT']

/**
 * What goes along with every request: the variables that lmapp itself reads, and those that the configuration names
 * as holding a key. The names are picked from its text: parsing it would cost a command more than all else it does.
 */
export function toForwardedEnvironment(environment: NodeJS.ProcessEnv, configFile: string): ForwardedEnvironment {
  const names = [...always, ...keyVariables(configFile)]
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = environment[name]
      return value === undefined ? [] : [[name, value]]
    }),
  )
}

function keyVariables(configFile: string): string[] {
  try {
    const text = readFileSync(configFile, 'utf8')
    return [...text.matchAll(/"apiKeyEnv"\s*:\s*"([^"\\]+)"/g)].flatMap(([, name]) => name ?? [])
  } catch {
    return []
  }
}
