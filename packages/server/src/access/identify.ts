import type { IncomingMessage } from 'node:http'
import { LmappError } from 'lmapp-kit'
import { isListed, isLoopbackAddress } from './guard.ts'
import { guest, type KnownKey, type Principal, shownKey, toKeyPrincipal } from './principal.ts'

/** What is needed of the service to know who asks. */
export interface Doorkeeper {
  readonly serve: { requireKey: boolean; origins: readonly string[] }
  findKey(secret: string): KnownKey | undefined
  /** A program on this machine showed a key that is none, and is let in as a guest. */
  onUnknownKey(request: { userAgent: string }): void
}

/**
 * Who comes by TCP. Many clients insist on sending some key: on loopback an unknown one is as good as none, unless keys
 * are required. Throws `unauthorized`.
 */
export function identify(request: IncomingMessage, keeper: Doorkeeper): Principal {
  const secret = shownKey(request)
  const known = secret === undefined ? undefined : keeper.findKey(secret)
  if (known) return toKeyPrincipal(known)
  if (needsKey(request, keeper)) throw refusal(secret)
  if (secret !== undefined) keeper.onUnknownKey({ userAgent: request.headers['user-agent'] ?? 'unknown' })
  return guest
}

/** Whoever is not a program on this machine; pages too, but our own. */
function needsKey({ headers, socket }: IncomingMessage, { serve }: Doorkeeper): boolean {
  if (serve.requireKey || !isLoopbackAddress(socket.remoteAddress ?? '')) return true
  return headers.origin !== undefined && isListed(headers.origin, serve.origins)
}

function refusal(secret: string | undefined): LmappError {
  return new LmappError('unauthorized', secret === undefined ? 'A key is needed.' : 'This key is not known.', {
    hint: 'Create one: lmapp keys create NAME',
  })
}
