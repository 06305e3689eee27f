import type { Transport, TransportRequest } from './client.ts'
import { unavailable } from './unavailable.ts'

export interface FetchTransportOptions {
  /** `http://127.0.0.1:5627`, or empty on the service's own page. */
  baseUrl: string
  /** A key from `lmapp keys create`; without it requests come from a guest. */
  key?: string
}

/** Reaches a service over TCP by `fetch`, in browsers and in Node. */
export function createFetchTransport({ baseUrl, key }: FetchTransportOptions): Transport {
  const base = baseUrl.replace(/\/+$/, '')
  return {
    async send(request) {
      const response = await open(base + request.path, key, request)
      const headers: Record<string, string> = {}
      for (const [name, value] of response.headers) headers[name] = value
      return { status: response.status, headers, body: readBody(response, request.signal) }
    },
  }
}

async function open(url: string, key: string | undefined, request: TransportRequest): Promise<Response> {
  try {
    return await fetch(url, {
      method: request.method,
      headers: { ...request.headers, ...(key !== undefined && { authorization: `Bearer ${key}` }) },
      redirect: 'error',
      credentials: 'omit',
      cache: 'no-store',
      ...(request.body !== undefined && { body: request.body }),
      ...(request.signal && { signal: request.signal }),
    })
  } catch (cause) {
    request.signal?.throwIfAborted()
    // Whether anything was sent cannot be told from outside of `fetch`.
    throw unavailable('answer', { cause, message: `The lmapp service cannot be reached at ${new URL(url).origin}.` })
  }
}

async function* readBody(response: Response, signal: AbortSignal | undefined): AsyncGenerator<string, void> {
  const reader = response.body?.getReader()
  if (!reader) return
  const decoder = new TextDecoder()
  try {
    for (let step = await reader.read(); !step.done; step = await reader.read()) {
      const text = decoder.decode(step.value, { stream: true })
      if (text !== '') yield text
    }
  } catch (cause) {
    signal?.throwIfAborted()
    throw unavailable('stream', { cause })
  } finally {
    await reader.cancel().catch(() => {})
  }
}
