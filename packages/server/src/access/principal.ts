import { createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { LmappError } from 'lmapp-kit'

/** Who asks. An owner comes by the socket and knows the token; a guest comes by TCP without a key. */
export interface Principal {
  kind: 'owner' | 'guest'
  /** Whose conversations and runs it may see. */
  owner: string
}

const owner: Principal = { kind: 'owner', owner: 'owner' }
const guest: Principal = { kind: 'guest', owner: 'guest' }

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

/** Throws `unauthorized` for a key: none can be created yet, so none is right. */
export function identifyGuest(request: IncomingMessage): Principal {
  if (request.headers.authorization !== undefined) {
    throw new LmappError('unauthorized', 'This key is not known.', { hint: 'Leave the key out' })
  }
  return guest
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
