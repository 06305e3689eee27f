import type { KeyScope } from '@lmapp/core/keys'
import { LmappError } from 'lmapp-kit'
import type { Principal } from './principal.ts'

/**
 * Who may use a route, besides the owner and keys with the scope `admin`, who may use all.
 * `everyone`: whoever was let in. `inference`: guests, and keys for `chat`. `list`, of models: guests, and keys for `chat`
 * or `models`. `pull`: keys for `models`, and guests where configuration lets them. `models`, to change them: keys for
 * `models`. `metrics`: all keys. `admin`: nobody else.
 */
export type Access = 'everyone' | 'inference' | 'list' | 'pull' | 'models' | 'metrics' | 'admin'

const opens: Record<Access, readonly KeyScope[]> = {
  everyone: ['chat', 'models'],
  inference: ['chat'],
  list: ['chat', 'models'],
  pull: ['models'],
  models: ['models'],
  metrics: ['chat', 'models'],
  admin: [],
}
const openToGuests: ReadonlySet<Access> = new Set(['everyone', 'inference', 'list'])

/** Throws `forbidden`. */
export function assertAllowed(access: Access, principal: Principal, { allowPull }: { allowPull: boolean }): void {
  switch (principal.kind) {
    case 'owner':
      return
    case 'key':
      if (principal.scopes.some((scope) => scope === 'admin' || opens[access].includes(scope))) return
      throw new LmappError('forbidden', 'This key may not do this.', {
        hint: `Create one that may: lmapp keys create NAME --scope ${opens[access][0] ?? 'admin'}`,
      })
    case 'guest':
      if (openToGuests.has(access) || (access === 'pull' && allowPull)) return
      throw new LmappError(
        'forbidden',
        `${principal.isMistaken ? 'The key is not known; a' : 'A'} guest may not do this.`,
        {
          hint: hintForGuest(access),
        },
      )
    default:
      principal.kind satisfies never
  }
}

function hintForGuest(access: Access): string {
  if (access === 'pull') return 'Allow it: lmapp config set serve.allowPull true'
  return `Use the lmapp command, or a key: lmapp keys create NAME --scope ${opens[access][0] ?? 'admin'}`
}
