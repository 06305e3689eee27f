import { assertTcpFree, isLoopbackAddress } from '@lmapp/server'
import type { ApiKey, LmappClient, ServiceHealth } from 'lmapp-client'
import { isLmappError, LmappError } from 'lmapp-kit'
import type { CommandContext } from '../context.ts'
import { printNotice } from '../output/print-error.ts'
import { connect } from './connect.ts'
import { createService, type Service } from './create-service.ts'
import { howToReach } from './how-to-reach.ts'
import { type ServiceLock, tryServiceLock } from './service-lock.ts'
import { ensureServicePlaces, findPlaces } from './service-places.ts'

export interface ServeOptions {
  host: string
  /** 0: any free one. */
  port: number
  context: CommandContext
}

const lookAgainMs = 100

/**
 * The service in the foreground, with TCP on loopback. Its address is the first line on stdout.
 * Replaces an idle background service, waits for a busy one and names it, and never leaves for idleness.
 */
export async function runServe({ host: given, port, context }: ServeOptions): Promise<number> {
  // As it stands in an address.
  const host = given.replace(/^\[(.*)\]$/, '$1')
  const places = findPlaces(context.environment)
  ensureServicePlaces(places)
  const { promise: ended, resolve: end } = Promise.withResolvers<number>()
  let drain: (() => Promise<void>) | undefined
  const unlisten = context.signals.listen((signal) => {
    // The second time it ends at once.
    if (signal !== 'SIGTERM' || !drain) return end(0)
    const draining = drain()
    drain = undefined
    void draining.then(() => end(0))
  })
  using _signals = { [Symbol.dispose]: unlisten }
  // What would refuse it is found before the background service is asked to leave.
  const keys = await askOthers(context, ({ client, health }) => {
    refuseSecond({ health })
    return isOutside(host) ? client.listKeys() : undefined
  })
  if (keys) assertKeys(host, keys)
  // Nothing is opened to other machines, not for a moment either, before it is known that there are keys.
  if (keys || !isOutside(host)) await assertTcpFree({ host, port, outside: keys !== undefined })
  using lock = await takeOver(places.lockFile, context, ended)
  if (!lock) return 0
  await using service = await createService({
    places,
    environment: context.environment,
    foreground: true,
    log: (line) => void context.stderr.write(`${line}\n`),
    onStop: () => end(0),
  })
  if (isOutside(host)) assertKeys(host, await service.keys())
  service.address = await service.server.listenTcp(host, port, { outside: isOutside(host) })
  await service.server.listenSocket(places.socket)
  await context.stdout.write(`${service.address}\n`)
  await tell(service, host, context)
  drain = () => letFinish(service, context)
  return await ended
}

/** On a terminal; a program reads the address, and needs no more. */
async function tell({ address, config }: Service, host: string, { stderr }: CommandContext): Promise<void> {
  if (!stderr.isTerminal || address === undefined) return
  const needsKey = isOutside(host) || (await config().catch(() => undefined))?.serve.requireKey !== false
  await printNotice(stderr, howToReach({ address, needsKey }))
}

/** Answers that are being written end by themselves; who asks now is told to come again. */
async function letFinish(service: Service, { stderr }: CommandContext): Promise<void> {
  const running = service.activeRuns
  if (running > 0) {
    const answers = running === 1 ? 'one answer' : `${running} answers`
    await stderr.write(`Waiting for the end of ${answers}; a second signal ends them now.\n`)
  }
  await service.drain()
}

function isOutside(host: string): boolean {
  return host.toLowerCase() !== 'localhost' && !isLoopbackAddress(host)
}

/** Other machines are let in only where there is a key to tell them from strangers. */
function assertKeys(host: string, keys: readonly ApiKey[]): void {
  if (keys.some(({ revokedAt }) => revokedAt === null)) return
  throw new LmappError('bad-input', `At ${host} other machines could ask, and there is no key yet to let them in by.`, {
    hint: 'Create one first: lmapp keys create NAME',
  })
}

/** Undefined when it was asked to end while it waited. */
async function takeOver(
  lockFile: string,
  context: CommandContext,
  ended: Promise<number>,
): Promise<ServiceLock | undefined> {
  let told = false
  let over = false
  const noteEnd = async () => {
    await ended
    over = true
  }
  void noteEnd()
  while (!over) {
    const lock = tryServiceLock(lockFile)
    if (lock) return lock
    const notice = await askOthers(context, leaveOrName)
    if (notice !== undefined && !told) await context.stderr.write(`${notice}\n`)
    told ||= notice !== undefined
    await new Promise((resolve) => setTimeout(resolve, lookAgainMs))
  }
  return undefined
}

/** Stops an idle background service; returns whom it waits for otherwise. */
async function leaveOrName({ client, health }: Running): Promise<string | undefined> {
  refuseSecond({ health })
  if (health.activeRuns > 0) return `Waiting for the background service (pid ${health.pid}), which is answering.`
  await client.stopService()
  return undefined
}

function refuseSecond({ health }: Pick<Running, 'health'>): void {
  if (!health.foreground) return
  throw new LmappError('port-in-use', `lmapp serve runs already, pid ${health.pid}, at ${health.address}.`, {
    hint: 'End it first: lmapp service stop',
  })
}

interface Running {
  client: LmappClient
  health: ServiceHealth
}

/** Undefined where no service runs. */
async function askOthers<Answer>(
  context: CommandContext,
  ask: (running: Running) => Answer | Promise<Answer>,
): Promise<Answer | undefined> {
  const environment = { ...context.environment, LMAPP_SERVICE: '' }
  const { client, close } = await connect({ start: false, environment })
  try {
    return await ask({ client, health: await client.health() })
  } catch (error) {
    if (isLmappError(error, 'service-unavailable')) return undefined
    throw error
  } finally {
    await close()
  }
}
