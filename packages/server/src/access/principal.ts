import { createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { KeyIdentity, KeyScope } from '@lmapp/core/keys'
import { LmappError } from 'lmapp-kit'

/**
 * Who asks. An owner comes by the socket and knows the token; a key was made by the owner; a guest is a program on this
 * machine that has none.
 */
export interface Principal {
  kind: 'owner' | 'key' | 'guest'
  /** Whose conversations and runs it may see. */
  owner: string
  /** Of a key; `scopes.ts` says what each opens. */
  scopes: readonly KeyScope[]
  /** Of a guest that showed a key which is none. */
  isMistaken?: true
}

export const owner: Principal = { kind: 'owner', owner: 'owner', scopes: [] }
export const guest: Principal = { kind: 'guest', owner: 'guest', scopes: [] }
export const mistakenGuest: Principal = { ...guest, isMistaken: true }

/** Checks `x-lmapp-auth`; returns what goes back as `x-lmapp-proof`. Throws `unauthorized`. */
export function authenticateOwner(request: IncomingMessage, token: string): { principal: Principal; proof: string } {
  const [, nonce, shown] = /^([0-9a-f]{32,128})\.([0-9a-f]{64})$/.exec(single(request, 'x-lmapp-auth')) ?? []
  if (nonce === undefined || shown === undefined || !equal(shown, prove(token, `client:${nonce}`))) {
    throw new LmappError('unauthorized', 'The token of this service was not proved.', {
      hint: 'Use the lmapp of the user whose service this is',
    })
  }
  return { principal: owner, proof: prove(token, `service:${nonce}`) }
}

/** The secrets that a client shows, in the headers that the dialects use for it: some fill one of them in by themselves. */
export function shownKeys(request: IncomingMessage): string[] {
  const [, bearer] = /^Bearer\s+(\S+)\s*$/i.exec(single(request, 'authorization')) ?? []
  return [bearer ?? '', single(request, 'x-api-key')].filter((secret) => secret !== '')
}

/** One with the scope `admin` stands for the owner. */
export function toKeyPrincipal({ id, scopes }: KeyIdentity): Principal {
  return { kind: 'key', owner: scopes.includes('admin') ? owner.owner : `key:${id}`, scopes }
}

function single(request: IncomingMessage, name: string): string {
  const value = request.headers[name]
  return typeof value === 'string' ? value : ''
}

function prove(token: string, text: string): string {
  return createHmac('sha256', token).update(text).digest('hex')
}

/** Both are 64 hexadecimal digits. */
function equal(left: string, right: string): boolean {
  return timingSafeEqual(Buffer.from(left), Buffer.from(right))
}
