import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http'
import { Agent as HttpsAgent, request as requestHttps } from 'node:https'
import type { LookupFunction } from 'node:net'
import { LmappError } from 'lmapp-kit'
import { createJourney, type Network } from './redirects.ts'

export interface GetOptions {
  headers?: Readonly<Record<string, string>>
  /** Sent to the origin of the first URL only, never across a redirect to another. */
  token?: string | undefined
  signal: AbortSignal
  /** How long nothing may arrive, in milliseconds: neither a connection nor an answer nor its next bytes. */
  stallMs: number
  /** `HTTPS_PROXY` and its like. */
  environment: Readonly<Record<string, string | undefined>>
  /** Default: that of this machine. */
  network?: Network
}

/** A failure that another try may mend. */
export class TransientError extends Error {
  /** What the server asked for, in milliseconds. */
  readonly retryAfterMs: number | undefined

  constructor(message: string, options: { cause?: unknown; retryAfterMs?: number | undefined } = {}) {
    super(message, { cause: options.cause })
    this.retryAfterMs = options.retryAfterMs
  }
}

const mostRedirects = 5

/**
 * The answer to a GET, redirects followed, but not into this machine or its networks (see `createJourney`). Its body must
 * be read or destroyed.
 */
export async function get(url: string, options: GetOptions): Promise<IncomingMessage> {
  const first = new URL(url)
  const journey = createJourney(first, options.network)
  for (let redirects = 0; redirects <= mostRedirects; redirects += 1) {
    const { current, lookup } = journey
    const token = current.origin === first.origin ? options.token : undefined
    const response = await send(current, { ...options, token, lookup })
    const { location } = response.headers
    if (!isRedirect(response.statusCode) || location === undefined) return response
    response.destroy()
    journey.follow(location)
  }
  throw new LmappError('download-failed', `${first.host} redirects in a circle.`, { details: { url } })
}

/** The body as it arrives. A connection that breaks or stalls is a `TransientError`. */
export async function* readBody(response: IncomingMessage): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of response) yield chunk
  } catch (error) {
    throw toTransient(error, 'the connection broke')
  }
}

export async function readText(response: IncomingMessage, longestBytes: number): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of readBody(response)) {
    chunks.push(chunk)
    length += chunk.length
    if (length > longestBytes) throw new LmappError('download-failed', 'The answer of the server is far too long.')
  }
  return Buffer.concat(chunks).toString('utf8')
}

export async function readJson(response: IncomingMessage, longestBytes: number): Promise<unknown> {
  const text = await readText(response, longestBytes)
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new LmappError('download-failed', 'The server answered something that is no JSON.', { cause: error })
  }
}

function send(url: URL, options: GetOptions & { lookup: LookupFunction }): Promise<IncomingMessage> {
  const { signal, stallMs, environment, token, headers, lookup } = options
  const isSecure = url.protocol === 'https:'
  const proxyEnv = proxyVariables(environment)
  const agent = isSecure ? new HttpsAgent({ proxyEnv }) : new HttpAgent({ proxyEnv })
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const request = (isSecure ? requestHttps : requestHttp)(url.href, {
    agent,
    lookup,
    signal,
    timeout: stallMs,
    headers: {
      'user-agent': 'lmapp',
      'accept-encoding': 'identity',
      ...headers,
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
  })
  request.once('timeout', () => request.destroy(new TransientError(`nothing came for ${stallMs / 1000} s`)))
  request.once('error', (error) => reject(toTransient(error, `${url.host} cannot be reached`)))
  request.once('response', resolve)
  request.end()
  return promise
}

function toTransient(error: unknown, what: string): unknown {
  const isKnown = error instanceof TransientError || error instanceof LmappError
  if (isKnown || (error instanceof Error && error.name === 'AbortError')) return error
  const { code } = error as NodeJS.ErrnoException
  return new TransientError(code === undefined ? what : `${what} (${code})`, { cause: error })
}

function isRedirect(status: number | undefined): boolean {
  return status !== undefined && [301, 302, 303, 307, 308].includes(status)
}

function proxyVariables(environment: GetOptions['environment']): Record<string, string> {
  const names = ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy', 'NO_PROXY', 'no_proxy']
  const entries = names.map((name) => [name, environment[name]] as const)
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] !== undefined))
}
