import { isLmappError, LmappError } from 'lmapp-kit'
import type { HttpClient, HttpRequest, HttpResponse } from '../http/index.ts'
import { parseJson } from '../json/fields.ts'
import { toEngineError } from './engine-error.ts'

export interface WireRequest extends HttpRequest {
  /** Where the request is about one, for the error when there is no such model. */
  model?: string
}

/** Requests to one engine; the paths stand behind the address of its client. Throws also what `toEngineError` gives. */
export interface WireConnection {
  /** An answer with status 200. */
  request(request: WireRequest): Promise<HttpResponse>
  /** The same, read as one JSON value. */
  json(request: WireRequest): Promise<unknown>
}

export interface WireConnectionOptions {
  client: Pick<HttpClient, 'request'>
  /** The engine's name, for messages. */
  engine: string
  /** Milliseconds of silence that end a short question. */
  silenceMs: number
  /** What a user does when the engine itself failed. */
  failedHint?: string
}

/** What an answer with an error may hold, in bytes. */
const maxErrorBytes = 1024 * 1024

export function createWireConnection(options: WireConnectionOptions): WireConnection {
  const { client, engine, silenceMs, failedHint } = options

  const request = async ({ model, ...rest }: WireRequest): Promise<HttpResponse> => {
    const response = await client.request(rest)
    if (response.status === 200) return response
    const { status, headers } = response
    throw toEngineError({
      engine,
      status,
      headers,
      text: await readComplaint(response),
      ...(model !== undefined && { model }),
      ...(failedHint !== undefined && { failedHint }),
    })
  }

  return {
    request,
    async json(question) {
      const response = await request({ silenceMs, ...question })
      const value = parseJson(await response.text())
      if (value !== undefined) return value
      throw new LmappError('protocol-violation', `${engine} answered ${question.path} with what is no JSON.`)
    },
  }
}

/** Its status says enough where the rest is cut, or has no end. */
async function readComplaint(response: HttpResponse): Promise<string> {
  try {
    return await response.text({ maxBytes: maxErrorBytes })
  } catch (error) {
    if (isLmappError(error, 'engine-failed') || isLmappError(error, 'stream-malformed')) return ''
    throw error
  }
}
