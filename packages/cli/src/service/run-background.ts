import type { Places } from '@lmapp/core/config'
import type { Service } from './create-service.ts'
import { createIdleTimer } from './idle-timer.ts'
import { tryServiceLock } from './service-lock.ts'
import { ensureServicePlaces } from './service-places.ts'

/**
 * Is the service until it was idle for `keepAlive`, somebody ends it, or SIGTERM comes.
 * Returns at once, with 0, when another process is the service already.
 */
export async function runBackground(places: Places): Promise<number> {
  ensureServicePlaces(places)
  using lock = tryServiceLock(places.lockFile)
  if (!lock) return 0
  // Only the one that is elected loads the rest: of twenty starts at once, nineteen cost next to nothing.
  const { createService } = await import('./create-service.ts')
  const log = (line: string) => process.stderr.write(`${new Date().toISOString()} ${line}\n`)
  const { promise: ended, resolve: end } = Promise.withResolvers<string>()
  const idle = createIdleTimer(() => end('nothing was asked of it for a while'))
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => end(signal))
  // The terminal of the front that started it is not its own.
  process.on('SIGHUP', () => {})

  const service = await createService({
    places,
    environment: process.env,
    foreground: false,
    log,
    onStop: () => end('it was asked to'),
    onActivity: () => idle.touch(),
  })
  try {
    await service.server.listenSocket(places.socket)
    log(`started, pid ${process.pid}`)
    idle.start(async () => (service.busy ? undefined : await keepAliveOf(service)))
    log(`ending: ${await ended}`)
  } finally {
    idle.stop()
    await service[Symbol.asyncDispose]()
  }
  log('ended')
  return 0
}

const usualKeepAliveMs = 300_000

/** A configuration that cannot be read just now does not end the service. */
async function keepAliveOf({ config }: Service): Promise<number> {
  try {
    return (await config()).service.keepAliveMs
  } catch {
    return usualKeepAliveMs
  }
}
