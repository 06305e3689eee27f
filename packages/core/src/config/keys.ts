import { open } from 'node:fs/promises'
import { LmappError } from 'lmapp-kit'
import type { Config } from './config.ts'

/** Names of the environment variables that a front sends along with its requests. */
export function forwardedVariables(config: Config): string[] {
  const keys = Object.values(config.backends).flatMap(({ apiKeyEnv }) => apiKeyEnv ?? [])
  return [...new Set([...standardVariables, ...keys])]
}

const standardVariables = ['OLLAMA_HOST', 'OLLAMA_MODELS', 'HF_ENDPOINT', 'HF_HOME', 'HF_TOKEN'] as const

const othersMayReadOrWrite = 0o077

/** The key in the file, without surrounding space. Throws `config-invalid` when it is not there, empty, or not its owner's alone. */
export async function readKeyFile(path: string): Promise<string> {
  const text = await readOwn(path)
  const key = text.trim()
  if (key === '' || /\s/.test(key))
    throw toUnusable(path, 'does not hold one key', `Put the key into it, alone: ${path}`)
  return key
}

async function readOwn(path: string): Promise<string> {
  try {
    await using file = await open(path)
    const { mode } = await file.stat()
    const isOpen = process.platform !== 'win32' && (mode & othersMayReadOrWrite) !== 0
    if (isOpen) throw toUnusable(path, 'can be read by others', `Run: chmod 600 '${path}'`)
    return await file.readFile('utf8')
  } catch (error) {
    if (error instanceof LmappError) throw error
    const { code } = error as NodeJS.ErrnoException
    throw toUnusable(path, `cannot be read (${code})`, 'Correct apiKeyFile: lmapp config edit', error)
  }
}

function toUnusable(path: string, what: string, hint: string, cause?: unknown): LmappError {
  return new LmappError('config-invalid', `The key file ${path} ${what}.`, { hint, details: { path }, cause })
}
