import type { Places } from '@lmapp/core/config'
import {
  apiPrefix,
  apiVersion,
  createClient,
  type ServiceHealth,
  type Transport,
  type TransportRequest,
} from 'lmapp-client'
import { createSocketTransport } from 'lmapp-client/node'
import { isLmappError, LmappError } from 'lmapp-kit'
import type { Connection } from '../context.ts'
import { toForwardedEnvironment } from './forwarded-environment.ts'
import { findPlaces } from './service-places.ts'
import { accepts, startService } from './start-service.ts'
import { readToken } from './token.ts'

export interface ConnectOptions {
  /** Whether to start the service where none runs. */
  start: boolean
  environment: NodeJS.ProcessEnv
  /** Told when it has to wait for a service of another version. */
  onNotice?: (message: string) => void
}

/**
 * A way to the service of this user. Nothing is asked of it beforehand: the first request finds it, and only where
 * nothing listens is one started. With `LMAPP_SERVICE=off` one that runs is used all the same, and none is started. Rejects with `service-unavailable` when there is none and `start` is false.
 */
export async function connect(options: ConnectOptions): Promise<Connection> {
  const { environment } = options
  const places = findPlaces(environment)
  const isOff = environment.LMAPP_SERVICE === 'off'
  if (isOff && options.start && !(await accepts(places.socket))) return connectInProcess(options)
  const transport = createServiceTransport(places, options)
  const client = createClient({ transport, environment: toForwardedEnvironment(environment, places.configFile) })
  return { client, close: async () => {} }
}

async function connectInProcess({ environment, onNotice }: ConnectOptions): Promise<Connection> {
  const { openInProcess } = await import('./in-process.ts')
  return openInProcess(environment, onNotice)
}

/** Sends to the service, and starts it when nothing listens: then nothing was sent yet, and the request goes again. */
function createServiceTransport(places: Places, options: ConnectOptions): Transport {
  const sendOnce = async (request: TransportRequest) => {
    const token = readToken(places.tokenFile)
    if (!token) throw notRunning()
    return createSocketTransport({ socketPath: places.socket, token }).send(request)
  }
  const send = async (request: TransportRequest) => {
    const response = await sendOnce(request)
    const theirs = Number(response.headers['x-lmapp-api'] ?? apiVersion)
    if (theirs === apiVersion) return response
    await response.body[Symbol.asyncIterator]().return?.()
    await replaceOlder(theirs, sendOnce, options)
    throw notRunning()
  }
  return {
    async send(request) {
      try {
        return await send(request)
      } catch (error) {
        if (!options.start || !nothingListens(error)) throw error
        await startService(places, options.environment)
        return await send(request)
      }
    },
  }
}

function notRunning(): LmappError {
  return new LmappError('service-unavailable', 'The lmapp service is not running.', { details: { stage: 'connect' } })
}

function nothingListens(error: unknown): boolean {
  return isLmappError(error, 'service-unavailable') && error.details?.stage === 'connect'
}

const waitForBusyMs = 60_000
const lookAgainMs = 250

/** Only a newer front replaces a service, an older and idle one: two installations never take turns. */
async function replaceOlder(
  theirs: number,
  send: (request: TransportRequest) => ReturnType<Transport['send']>,
  options: ConnectOptions,
): Promise<void> {
  const health = await readHealth(send, theirs)
  const who = `lmapp ${health.version} (pid ${health.pid})`
  if (theirs > apiVersion) {
    throw new LmappError('service-version', `The service that runs is newer than this command: ${who}.`, {
      hint: 'Update lmapp, or: lmapp service stop',
    })
  }
  const deadline = Date.now() + waitForBusyMs
  for (let current = health; current.activeRuns > 0; current = await readHealth(send, theirs)) {
    if (current === health) options.onNotice?.(`Waiting for ${who}, an older service that is answering.`)
    if (Date.now() > deadline) throw new LmappError('service-version', `${who}, an older service, is busy.`)
    await new Promise((resolve) => setTimeout(resolve, lookAgainMs))
  }
  await send({ method: 'POST', path: prefixOf(theirs, '/service/stop'), headers: {} })
}

async function readHealth(
  send: (request: TransportRequest) => ReturnType<Transport['send']>,
  version: number,
): Promise<ServiceHealth> {
  const { body } = await send({ method: 'GET', path: prefixOf(version, '/health'), headers: {} })
  let text = ''
  for await (const chunk of body) text += chunk
  return JSON.parse(text)
}

/** These two calls are there in every version. */
function prefixOf(version: number, path: string): string {
  return apiPrefix.replace(/\d+$/, String(version)) + path
}
