import { type CallOptions, isLmappError, LmappError } from 'lmapp-kit'
import { createHttpClient, type HttpClientOptions, type HttpResponse } from '../http/index.ts'
import { isFields, parseJson, toFields, toOptionalText } from '../json/fields.ts'
import { createWireConnection, toEngineError, type WireConnection, type WireRequest } from '../openai-wire/index.ts'

/** LM Studio, proved to be it before anything is asked of it. Paths stand behind its root. */
export interface LmStudioConnection extends WireConnection, Disposable {
  readonly url: string
  /** See `HttpClient.epoch`. */
  readonly epoch: number
  /** Proves who answers, once for each connection epoch. Throws `backend-not-identified`. */
  identify(options?: CallOptions): Promise<void>
}

export interface LmStudioConnectionOptions extends HttpClientOptions {
  /** Milliseconds of silence that end a short question. That which proves who answers waits `connectMs`. */
  silenceMs: number
}

const engine = 'LM Studio'
const failedHint = 'See its log: lms log stream'

export function openLmStudioConnection(options: LmStudioConnectionOptions): LmStudioConnection {
  const client = createHttpClient({ unreachableHint: 'Start its server: lms server start', ...options })
  const wire = createWireConnection({ client, engine, silenceMs: options.silenceMs, failedHint })
  let proof: { epoch: number } | undefined

  const identify = async (call: CallOptions = {}): Promise<void> => {
    if (proof?.epoch === client.epoch) return
    await prove(options, call, (request) => client.request(request))
    proof = { epoch: client.epoch }
  }

  const proved = async (request: WireRequest): Promise<WireRequest> => {
    const call = request.signal ? { signal: request.signal } : {}
    await identify(call)
    const beforeRetry = async () => {
      proof = undefined
      await identify(call)
    }
    return { ...request, beforeRetry }
  }

  return {
    url: options.url,
    get epoch() {
      return client.epoch
    },
    identify,
    async request(request) {
      return wire.request(await proved(request))
    },
    async json(request) {
      const value = await wire.json(await proved(request))
      assertNoComplaint(value, request)
      return value
    },
    [Symbol.dispose]() {
      client[Symbol.dispose]()
    },
  }
}

/** Only LM Studio greets like that. Its `lms` asks the same before it talks to a server. */
async function prove(
  { url, connectMs }: LmStudioConnectionOptions,
  call: CallOptions,
  send: (request: WireRequest) => Promise<HttpResponse>,
): Promise<void> {
  try {
    const path = '/lmstudio-greeting'
    const response = await send({ method: 'GET', path, silenceMs: connectMs, ...call })
    const { status } = response
    const text = await response.text({ maxBytes: 64 * 1024 })
    if (status === 401 || status === 403) throw toEngineError({ engine, status, text })
    if (status === 200 && toFields(parseJson(text)).lmstudio === true) return
  } catch (cause) {
    if (!isLmappError(cause, 'stalled')) throw cause
    throw new LmappError('backend-unreachable', `What listens at ${url} has not answered for ${connectMs / 1000} s.`, {
      hint: 'See whether it hangs, or is no LM Studio: lmapp doctor',
      details: { url, milliseconds: connectMs },
      cause,
    })
  }
  throw new LmappError('backend-not-identified', `What answers at ${url} is not LM Studio.`, {
    hint: 'Correct the url; see: lmapp doctor',
    details: { url },
  })
}

/** LM Studio answers with status 200 where it means an error: always for a path that it does not know. */
function assertNoComplaint(value: unknown, { path, model }: WireRequest): void {
  const said = isFields(value) ? value.error : undefined
  if (said === undefined || said === null) return
  if (toOptionalText(said)?.startsWith('Unexpected endpoint')) {
    throw new LmappError('unsupported', `This version of LM Studio does not know ${path}.`, {
      hint: 'Update LM Studio',
      details: { path },
    })
  }
  throw toEngineError({
    engine,
    status: 500,
    text: JSON.stringify(value),
    failedHint,
    ...(model !== undefined && { model }),
  })
}
