import { type CallOptions, isLmappError, LmappError } from 'lmapp-kit'
import { type ApiKeySource, createHttpClient, type HttpClient, type HttpResponse } from '../http/index.ts'
import { parseJson } from '../json/fields.ts'
import { createWireConnection, toEngineError, type WireConnection, type WireRequest } from '../openai-wire/index.ts'
import { parseServerProps, type ServerProps } from './props.ts'

export const engine = 'llama-server'

/** Who answers: proved, but its model may still be loading; it then answers nothing else. */
export type Identity = { url: string; state: 'loading' } | { url: string; state: 'ready'; props: ServerProps }

/** A llama-server, proved to be one. Every call throws what `HttpClient.request` and `toEngineError` do. */
export interface LlamaServerConnection extends WireConnection, Disposable {
  /**
   * Proves who answers, once for each connection epoch; the same object as long as that holds.
   * Throws `backend-unreachable` and `backend-not-identified`.
   */
  identify(options?: CallOptions): Promise<Identity>
  /** Whether it is loading, asked anew. */
  isLoading(options?: CallOptions): Promise<boolean>
}

export interface LlamaServerConnectionOptions {
  /** At least one. With several, the first where a llama-server is. */
  urls: readonly string[]
  /** Unix socket by which it is reached. */
  socketPath?: string
  /** Milliseconds for reaching it, and for its word on who it is. */
  connectMs: number
  /** Milliseconds of silence that end a short question. */
  silenceMs: number
  apiKey?: ApiKeySource
}

/** An address where one may be. */
interface Place {
  url: string
  client: HttpClient
  wire: WireConnection
}

export function openLlamaServerConnection(options: LlamaServerConnectionOptions): LlamaServerConnection {
  const places = options.urls.map((url) => openPlace(url, options))
  let proof: { place: Place; epoch: number; identity: Identity & { state: 'ready' } } | undefined

  const find = async (call: CallOptions): Promise<{ place: Place; identity: Identity }> => {
    if (proof && proof.epoch === proof.place.client.epoch) return proof
    const found = await firstOf(places, options, call)
    const { place, identity } = found
    proof = identity.state === 'ready' ? { place, epoch: place.client.epoch, identity } : undefined
    return found
  }

  const prepared = async (request: WireRequest): Promise<{ place: Place; request: WireRequest }> => {
    const call = request.signal ? { signal: request.signal } : {}
    const { place } = await find(call)
    const beforeRetry = async () => {
      proof = undefined
      const again = await find(call)
      if (again.place !== place) throw notLlamaServer(place.url)
    }
    return { place, request: { ...request, beforeRetry } }
  }

  return {
    async identify(call = {}) {
      return (await find(call)).identity
    },
    async isLoading(call = {}) {
      const { place } = await find(call)
      return (await get(place, '/health', options, call)).status === 503
    },
    async request(question) {
      const { place, request } = await prepared(question)
      return place.wire.request(request)
    },
    async json(question) {
      const { place, request } = await prepared(question)
      return place.wire.json(request)
    },
    [Symbol.dispose]() {
      for (const { client } of places) client[Symbol.dispose]()
    },
  }
}

function openPlace(url: string, options: LlamaServerConnectionOptions): Place {
  const { connectMs, silenceMs, apiKey, socketPath } = options
  const client = createHttpClient({
    url,
    connectMs,
    unreachableHint: 'Start it: llama-server -m MODEL.gguf',
    ...(apiKey && { apiKey }),
    ...(socketPath !== undefined && { socketPath }),
  })
  const failedHint = 'See the log of llama-server, where it was started'
  return { url, client, wire: createWireConnection({ client, engine, silenceMs, failedHint }) }
}

/** All are asked at once; where several answer, the first in order counts. */
async function firstOf(
  places: readonly Place[],
  options: LlamaServerConnectionOptions,
  call: CallOptions,
): Promise<{ place: Place; identity: Identity }> {
  const probes = places.map(async (place) => ({ place, identity: await prove(place, options, call) }))
  const outcomes = Promise.allSettled(probes)
  for (const probe of probes) {
    try {
      return await probe
    } catch (error) {
      if (!isLmappError(error)) throw error
    }
  }
  throw mostTelling((await outcomes).flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : [])))
}

/** A program of another kind on a port where nobody said that one would be is nobody's fault. */
function mostTelling(failures: readonly LmappError[]): unknown {
  const [first, ...others] = failures
  if (others.length === 0) return first
  const isAbsence = (error: LmappError) =>
    error.code === 'backend-unreachable' || error.code === 'backend-not-identified'
  const other = failures.find((error) => !isAbsence(error))
  if (other) return other
  const details = { found: failures.map(({ message }) => message) }
  return new LmappError('backend-unreachable', 'No llama-server answers at its usual ports, 8080 and 9931.', {
    hint: 'Start it: llama-server -m MODEL.gguf --port 8080, or say where it is: lmapp config edit',
    details,
    cause: first,
  })
}

async function prove(place: Place, options: LlamaServerConnectionOptions, call: CallOptions): Promise<Identity> {
  const { url } = place
  const health = await get(place, '/health', options, call)
  if (health.headers.server !== 'llama.cpp') throw notLlamaServer(url)
  if (health.status === 503) return { url, state: 'loading' }
  const answer = await get(place, '/props', options, call)
  if (answer.status === 503) return { url, state: 'loading' }
  if (answer.status === 401 || answer.status === 403) throw toEngineError({ engine, ...answer })
  const props = answer.status === 200 ? parseServerProps(parseJson(answer.text)) : undefined
  if (!props) throw notLlamaServer(url)
  return { url, state: 'ready', props }
}

/** A template is part of `/props`. */
const maxProofBytes = 4 * 1024 * 1024

async function get(
  { url, client }: Place,
  path: string,
  { connectMs }: LlamaServerConnectionOptions,
  call: CallOptions,
): Promise<Pick<HttpResponse, 'status' | 'headers'> & { text: string }> {
  try {
    const response = await client.request({ method: 'GET', path, silenceMs: connectMs, ...call })
    const text = await response.text({ maxBytes: maxProofBytes })
    return { status: response.status, headers: response.headers, text }
  } catch (error) {
    throw isLmappError(error, 'stalled') ? toSilent(url, connectMs, error) : error
  }
}

/** The connection was taken, and then nothing was said. */
function toSilent(url: string, connectMs: number, cause: LmappError): LmappError {
  return new LmappError('backend-unreachable', `What listens at ${url} has not answered for ${connectMs / 1000} s.`, {
    hint: 'See whether it hangs, or is no llama-server: lmapp doctor',
    details: { url, milliseconds: connectMs },
    cause,
  })
}

function notLlamaServer(url: string): LmappError {
  return new LmappError('backend-not-identified', `What answers at ${url} is not llama-server.`, {
    hint: 'Correct the url, or use the type openai-compatible for what stands behind a proxy: lmapp config edit',
    details: { url },
  })
}
