import { type CallOptions, isLmappError, LmappError } from 'lmapp-kit'
import { createHttpClient, type HttpClient, type HttpClientOptions, type HttpRequest } from '../http/index.ts'
import { parseJson, toFields, toOptionalText } from '../json/fields.ts'
import {
  createWireConnection,
  type ListedModel,
  parseModelList,
  toEngineError,
  type WireConnection,
} from '../openai-wire/index.ts'
import { toAddress } from './address.ts'
import { type Engine, recogniseEngine } from './engines.ts'

/** Who answers, and what it serves. */
export interface Identity {
  engine: Engine
  version?: string
  /** What `/models` said when it was proved. */
  models: ListedModel[]
}

/** One server, proved to speak OpenAI before anything is asked of it; paths stand behind its `/v1`. */
export interface CompatibleConnection extends WireConnection, Disposable {
  /** Proves who answers, once for each connection epoch. Throws `backend-not-identified`. */
  identify(options?: CallOptions): Promise<Identity>
  /** What it serves now. */
  models(options?: CallOptions): Promise<ListedModel[]>
}

export interface CompatibleConnectionOptions extends HttpClientOptions {
  /** Milliseconds of silence that end a short question. Those that prove who answers wait `connectMs`. */
  silenceMs: number
}

interface Proof extends Identity {
  epoch: number
  prefix: string
}

interface Reply {
  status: number
  headers: Readonly<Record<string, string | string[] | undefined>>
  text: string
}

/** A list of some thousand models. */
const maxListBytes = 16 * 1024 * 1024

export function openCompatibleConnection(options: CompatibleConnectionOptions): CompatibleConnection {
  const { url, silenceMs } = options
  const { root, prefixes } = toAddress(url)
  const client = createHttpClient({
    unreachableHint: 'Start the engine, or correct the url: lmapp config edit',
    ...options,
    url: root,
  })
  let proof: Proof | undefined

  const proved = (): Proof | undefined => (proof?.epoch === client.epoch ? proof : undefined)
  const identify = async (call: CallOptions = {}): Promise<Proof> => {
    const known = proved()
    if (known) return known
    const { prefix, reply, models } = await findList(client, { ...options, prefixes }, call)
    const engine = recogniseEngine({
      server: toOptionalText(reply.headers.server) ?? '',
      owners: models.flatMap(({ ownedBy }) => ownedBy ?? []),
    })
    const version = await findVersion(client, engine, options, call)
    proof = { epoch: client.epoch, prefix, engine, models, ...(version !== undefined && { version }) }
    return proof
  }

  const behindPrefix: Pick<HttpClient, 'request'> = {
    async request(request: HttpRequest) {
      const call = request.signal ? { signal: request.signal } : {}
      const { prefix } = proved() ?? (await identify(call))
      const beforeRetry = async () => {
        proof = undefined
        await identify(call)
      }
      return client.request({ ...request, path: prefix + request.path, beforeRetry })
    },
  }
  const wire = () =>
    createWireConnection({ client: behindPrefix, engine: proof?.engine.dialect.engine ?? url, silenceMs })

  return {
    identify,
    async models(call = {}) {
      await identify(call)
      const models = parseModelList(await wire().json({ method: 'GET', path: '/models', ...call }))
      if (models) return models
      throw new LmappError('protocol-violation', `What answers at ${url} gave no list of models.`)
    },
    async request(request) {
      if (!proved()) await identify(request.signal ? { signal: request.signal } : {})
      return wire().request(request)
    },
    async json(request) {
      await identify(request.signal ? { signal: request.signal } : {})
      return wire().json(request)
    },
    [Symbol.dispose]() {
      client[Symbol.dispose]()
    },
  }
}

type FindOptions = CompatibleConnectionOptions & { prefixes: readonly string[] }

/** The first place that gives a list of models is the API. */
async function findList(
  client: HttpClient,
  options: FindOptions,
  call: CallOptions,
): Promise<{ prefix: string; reply: Reply; models: ListedModel[] }> {
  for (const prefix of options.prefixes) {
    const reply = await get(client, `${prefix}/models`, options, call)
    const models = reply.status === 200 ? parseModelList(parseJson(reply.text)) : undefined
    if (models) return { prefix, reply, models }
    if (![200, 404, 405].includes(reply.status)) throw toEngineError({ engine: options.url, ...reply })
  }
  throw new LmappError('backend-not-identified', `What answers at ${options.url} does not speak the API of OpenAI.`, {
    hint: 'Correct the url, which usually ends in /v1: lmapp config edit',
    details: { url: options.url, tried: options.prefixes.map((prefix) => `${prefix}/models`) },
  })
}

/** Nothing where it does not say: a server may keep its own questions behind another door. */
async function findVersion(
  client: HttpClient,
  { versionPaths }: Engine,
  options: CompatibleConnectionOptions,
  call: CallOptions,
): Promise<string | undefined> {
  for (const path of versionPaths) {
    const { status, text } = await get(client, path, options, call)
    const version = status === 200 ? toOptionalText(toFields(parseJson(text)).version) : undefined
    if (version !== undefined) return version
  }
  return undefined
}

async function get(
  client: HttpClient,
  path: string,
  { url, connectMs }: CompatibleConnectionOptions,
  call: CallOptions,
): Promise<Reply> {
  try {
    const response = await client.request({ method: 'GET', path, silenceMs: connectMs, ...call })
    const text = await response.text({ maxBytes: maxListBytes })
    return { status: response.status, headers: response.headers, text }
  } catch (cause) {
    if (!isLmappError(cause, 'stalled')) throw cause
    const message = `What listens at ${url} has not answered for ${connectMs / 1000} s.`
    throw new LmappError('backend-unreachable', message, {
      hint: 'See whether it hangs: lmapp doctor',
      details: { url, milliseconds: connectMs },
      cause,
    })
  }
}
