import { LmappError } from 'lmapp-kit'

/**
 * What a key is for; each scope adds to the others. The server's routes say which they need.
 *
 * - `chat`: ask models, in every dialect (chat, completions, embeddings, counting tokens); its own responses, runs and
 *   conversations; the list and the details of models.
 * - `models`: the list and the details of models; fetch and delete models.
 * - `admin`: all that the owner may do over HTTP, keys included.
 */
export type KeyScope = 'chat' | 'models' | 'admin'

export const keyScopes: readonly KeyScope[] = ['chat', 'models', 'admin']

/** Throws `bad-input` that names the right ones. */
export function toKeyScope(value: string): KeyScope {
  if (isKeyScope(value)) return value
  throw new LmappError('bad-input', `"${value.slice(0, 40)}" is no scope of a key.`, {
    hint: `There are: ${keyScopes.join(', ')}`,
    details: { scopes: [...keyScopes] },
  })
}

export function isKeyScope(value: string): value is KeyScope {
  return keyScopes.some((scope) => scope === value)
}
