import { type CallOptions, isLmappError, LmappError } from 'lmapp-kit'
import { createHttpClient, type HttpClientOptions, type HttpRequest, type HttpResponse } from '../http/index.ts'
import { parseJson, toFields, toOptionalText } from '../json/fields.ts'
import { toEngineError } from './engine-error.ts'

export interface OllamaRequest extends HttpRequest {
  /** Normalised name, for the error when there is no such model. */
  model?: string
}

/** Ollama, proved to be it. Every call throws the errors of `HttpClient.request` and `toEngineError`. */
export interface OllamaConnection extends Disposable {
  readonly url: string
  /** Of the engine, as last proved. */
  readonly version: string | undefined
  /** See `HttpClient.epoch`. */
  readonly epoch: number
  /** Proves who answers, once for each connection epoch. Throws `backend-not-identified`. */
  identify(options?: CallOptions): Promise<{ version: string }>
  /** An answer with status 200, after the identity was proved. */
  request(request: OllamaRequest): Promise<HttpResponse>
  /** The same, read as one JSON value. */
  json(request: OllamaRequest): Promise<unknown>
}

export interface OllamaConnectionOptions extends HttpClientOptions {
  /** Milliseconds of silence that end a short question. Those that prove who answers wait `connectMs`. */
  silenceMs: number
}

interface Proof {
  epoch: number
  version: string
}

export function openOllamaConnection(options: OllamaConnectionOptions): OllamaConnection {
  const client = createHttpClient({ unreachableHint: 'Start it: ollama serve', ...options })
  let proof: Proof | undefined

  const get = async (path: string, call: CallOptions): Promise<{ status: number; text: string }> => {
    try {
      const response = await client.request({ method: 'GET', path, silenceMs: options.connectMs, ...call })
      return { status: response.status, text: await response.text({ maxBytes: 64 * 1024 }) }
    } catch (error) {
      throw isLmappError(error, 'stalled') ? toSilent(options, error) : error
    }
  }

  const identify = async (call: CallOptions = {}): Promise<{ version: string }> => {
    if (proof?.epoch === client.epoch) return proof
    const version = proveVersion(await get('/api/version', call), options.url)
    const greeting = await get('/', call)
    if (greeting.status !== 200 || !greeting.text.includes('Ollama is running')) throw notOllama(options.url)
    proof = { epoch: client.epoch, version }
    return proof
  }

  const request = async ({ model, ...rest }: OllamaRequest): Promise<HttpResponse> => {
    const call = rest.signal ? { signal: rest.signal } : {}
    await identify(call)
    const beforeRetry = async () => {
      proof = undefined
      await identify(call)
    }
    const response = await client.request({ ...rest, beforeRetry })
    if (response.status === 200) return response
    throw toEngineError({
      status: response.status,
      text: await response.text({ maxBytes: 1024 * 1024 }),
      headers: response.headers,
      ...(model !== undefined && { model }),
    })
  }

  return {
    url: options.url,
    get version() {
      return proof?.version
    },
    get epoch() {
      return client.epoch
    },
    identify,
    request,
    async json(question) {
      const response = await request({ silenceMs: options.silenceMs, ...question })
      const value = parseJson(await response.text())
      if (value !== undefined) return value
      throw new LmappError('protocol-violation', `Ollama answered ${question.path} with what is no JSON.`)
    },
    [Symbol.dispose]() {
      client[Symbol.dispose]()
    },
  }
}

function proveVersion(answer: { status: number; text: string }, url: string): string {
  // Behind the guard against foreign Host headers Ollama refuses even this, with an empty 403.
  if (answer.status === 401 || answer.status === 403) throw toEngineError(answer)
  const version = toOptionalText(toFields(parseJson(answer.text)).version)
  if (answer.status !== 200 || version === undefined) throw notOllama(url)
  return version
}

/** The connection was taken, and then nothing was said. */
function toSilent({ url, connectMs }: OllamaConnectionOptions, cause: LmappError): LmappError {
  return new LmappError('backend-unreachable', `What listens at ${url} has not answered for ${connectMs / 1000} s.`, {
    hint: 'See whether it hangs, or is no Ollama: lmapp doctor',
    details: { url, milliseconds: connectMs },
    cause,
  })
}

function notOllama(url: string): LmappError {
  return new LmappError('backend-not-identified', `What answers at ${url} is not Ollama.`, {
    hint: 'Correct the url or OLLAMA_HOST; see: lmapp doctor',
    details: { url },
  })
}
