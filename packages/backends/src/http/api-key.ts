import { readFile, stat } from 'node:fs/promises'
import { isAbsolute } from 'node:path'
import { LmappError } from 'lmapp-kit'

/** Gives the key when a request needs it; it is read anew each time, so that a changed file counts at once. */
export type ApiKeySource = () => Promise<string | undefined>

/** The part of a backend's definition that says where its key is. */
export interface KeyedDefinition {
  config: { apiKeyEnv?: string; apiKeyFile?: string }
  environment: Readonly<Record<string, string>>
}

/** The key that `apiKeyEnv` or `apiKeyFile` names. Throws `config-invalid` when it cannot be had. */
export function apiKeyOf({ config, environment }: KeyedDefinition): ApiKeySource | undefined {
  const { apiKeyEnv, apiKeyFile } = config
  if (apiKeyEnv !== undefined) return async () => environment[apiKeyEnv] || undefined
  if (apiKeyFile !== undefined) return () => readKeyFile(apiKeyFile)
  return undefined
}

async function readKeyFile(path: string): Promise<string | undefined> {
  if (!isAbsolute(path))
    throw toUnusable(path, 'is not named by its whole path', 'Correct apiKeyFile: lmapp config edit')
  try {
    await assertOwnersOnly(path)
    return (await readFile(path, 'utf8')).trim() || undefined
  } catch (cause) {
    if (cause instanceof LmappError) throw cause
    const { code } = cause as NodeJS.ErrnoException
    throw toUnusable(path, `cannot be read (${code})`, 'Correct apiKeyFile: lmapp config edit', cause)
  }
}

async function assertOwnersOnly(path: string): Promise<void> {
  if (process.platform === 'win32') return
  const { mode } = await stat(path)
  if ((mode & 0o077) !== 0) throw toUnusable(path, 'can be read by others', `Run: chmod 600 '${path}'`)
}

function toUnusable(path: string, what: string, hint: string, cause?: unknown): LmappError {
  return new LmappError('config-invalid', `The key file ${path} ${what}.`, { hint, details: { path }, cause })
}
