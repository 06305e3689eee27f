import type { IncomingMessage } from 'node:http'
import type { KeyIdentity } from '@lmapp/core/keys'
import { LmappError } from 'lmapp-kit'
import { isListed, isLoopbackAddress } from './guard.ts'
import { guest, mistakenGuest, type Principal, shownKeys, toKeyPrincipal } from './principal.ts'

/** What is needed of the service to know who asks. */
export interface Doorkeeper {
  readonly serve: { requireKey: boolean; origins: readonly string[] }
  findKey(secret: string): KeyIdentity | undefined
  /** A program on this machine showed a key that is none, and is let in as a guest. */
  onUnknownKey(request: { userAgent: string }): void
}

/**
 * Who comes by TCP. Many clients insist on sending some key: on loopback an unknown one is as good as none, unless keys
 * are required. Throws `unauthorized`.
 */
export function identify(request: IncomingMessage, keeper: Doorkeeper): Principal {
  const secrets = shownKeys(request)
  for (const secret of secrets) {
    const known = keeper.findKey(secret)
    if (known) return toKeyPrincipal(known)
  }
  const isMistaken = secrets.length > 0
  if (needsKey(request, keeper)) throw refusal(isMistaken)
  if (!isMistaken) return guest
  keeper.onUnknownKey({ userAgent: request.headers['user-agent'] ?? 'unknown' })
  return mistakenGuest
}

/** Whoever is not a program on this machine, or may be none behind a proxy that is; pages too, but our own. */
function needsKey({ headers, socket }: IncomingMessage, { serve }: Doorkeeper): boolean {
  if (serve.requireKey || !isLoopbackAddress(socket.remoteAddress ?? '')) return true
  if (headers['x-forwarded-for'] !== undefined || headers.forwarded !== undefined) return true
  return headers.origin !== undefined && isListed(headers.origin, serve.origins)
}

function refusal(isMistaken: boolean): LmappError {
  return new LmappError('unauthorized', isMistaken ? 'This key is not known.' : 'A key is needed.', {
    hint: 'Create one: lmapp keys create NAME',
  })
}
