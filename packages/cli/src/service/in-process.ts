import { duplexPair } from 'node:stream'
import { createClient } from 'lmapp-client'
import { createSocketTransport } from 'lmapp-client/node'
import { LmappError } from 'lmapp-kit'
import type { Connection } from '../context.ts'
import { createService } from './create-service.ts'
import { toForwardedEnvironment } from './forwarded-environment.ts'
import { type ServiceLock, tryServiceLock } from './service-lock.ts'
import { ensureServicePlaces, findPlaces } from './service-places.ts'
import { readToken } from './token.ts'

const waitForLockMs = 60_000
const lookAgainMs = 50

/**
 * The whole service inside this command, under the same lock: where sockets or detached processes are refused.
 * No socket is opened; requests go over a pair of streams in memory. Closing ends it.
 */
export async function openInProcess(
  environment: NodeJS.ProcessEnv,
  onNotice?: (message: string) => void,
): Promise<Connection> {
  const places = findPlaces(environment)
  ensureServicePlaces(places)
  const lock = await waitForLock(places.lockFile, onNotice)
  const service = await createService({
    places,
    environment,
    foreground: true,
    log: () => {},
    onStop: () => {},
  }).catch((error) => {
    lock[Symbol.dispose]()
    throw error
  })
  const token = readToken(places.tokenFile) ?? ''
  const transport = createSocketTransport({
    token,
    socketPath: () => {
      const [near, far] = duplexPair()
      service.server.acceptOwner(far)
      return near
    },
  })
  return {
    client: createClient({ transport, environment: toForwardedEnvironment(environment, places.configFile) }),
    async close() {
      // Whom nobody cancelled is finished, as by a service of its own.
      await service.drain()
      await service[Symbol.asyncDispose]()
      lock[Symbol.dispose]()
    },
  }
}

async function waitForLock(file: string, onNotice?: (message: string) => void): Promise<ServiceLock> {
  let told = false
  const deadline = Date.now() + waitForLockMs
  for (;;) {
    const lock = tryServiceLock(file)
    if (lock) return lock
    if (Date.now() > deadline) {
      throw new LmappError(
        'busy',
        'Another lmapp works with this history, and LMAPP_SERVICE=off forbids to share it.',
        {
          hint: 'End it, or unset LMAPP_SERVICE: lmapp service status',
        },
      )
    }
    if (!told) onNotice?.('Waiting for another lmapp that works with this history.')
    told = true
    await new Promise((resolve) => setTimeout(resolve, lookAgainMs))
  }
}
