import { setTimeout as pause } from 'node:timers/promises'
import { type CallOptions, isLmappError, LmappError, type ModelHealth, type ModelInfo } from 'lmapp-kit'
import { parseJson, toFields, toList, toOptionalText } from '../json/fields.ts'
import { parseModelList } from '../openai-wire/index.ts'
import { engine, type LlamaServerConnection } from './connection.ts'
import { isNameOf, toModelName } from './model-name.ts'
import { type ModelProps, parseModelProps, type ServerProps } from './props.ts'

/** A model that the server has in memory, or with a router could load. */
export interface ServedModel {
  info: ModelInfo
  /** What requests call it; all that a server of one model takes no notice of. */
  wireName: string
  /** All names that mean it. */
  names: readonly string[]
  state: ModelHealth['state']
  /** Known unless a router would have to load it. */
  props?: ModelProps
}

export interface Catalogue {
  /** What a router says now, or the one model. Throws `busy` while that is loading. */
  list(options?: CallOptions): Promise<ServedModel[]>
  /** Throws `model-not-found` with the known names. */
  find(name: string, options?: CallOptions): Promise<ServedModel>
  /** With a router it loads the model, however long that takes. */
  props(model: ServedModel, options?: CallOptions): Promise<ModelProps>
  /** Undefined where it would have to be loaded for that. */
  propsIfLoaded(model: ServedModel, options?: CallOptions): Promise<ModelProps | undefined>
  /** Waits until the server has loaded its one model, without a limit of its own. */
  whenLoaded(options?: CallOptions): Promise<ServerProps>
}

/** Milliseconds between two questions whether it has loaded. */
export const loadingPauseMs = 250

export function createCatalogue(connection: LlamaServerConnection): Catalogue {
  /** The one model of a server, as long as its proof holds. */
  let single: { props: ServerProps; model: ServedModel } | undefined

  const describeSingle = async (server: ServerProps, props: ModelProps, call: CallOptions) => {
    if (single?.props === server) return single.model
    const [listed] = parseModelList(await connection.json({ method: 'GET', path: '/v1/models', ...call })) ?? []
    const model = toSingleModel(props, listed)
    single = { props: server, model }
    return model
  }

  const catalogue: Catalogue = {
    async list(call = {}) {
      const identity = await connection.identify(call)
      if (identity.state === 'loading') throw stillLoading()
      const { props } = identity
      if (props.model) return [await describeSingle(props, props.model, call)]
      return parseRouterList(await connection.json({ method: 'GET', path: '/models', ...call }))
    },
    async find(name, call = {}) {
      const models = await catalogue.list(call)
      const found = models.find(({ info }) => info.id === name) ?? models.find((model) => means(name, model))
      if (found) return found
      const known = models.map(({ info }) => info.id)
      throw new LmappError('model-not-found', `${engine} has no model "${name}".`, { details: { name, known } })
    },
    async props({ props, wireName }, call = {}) {
      if (props) return props
      try {
        return await askProps(connection, wireName, true, call)
      } catch (error) {
        throw isLmappError(error, 'bad-input') ? notLoaded(wireName, error) : error
      }
    },
    async propsIfLoaded({ props, wireName, state }, call = {}) {
      if (props || state !== 'ready') return props
      try {
        return await askProps(connection, wireName, false, call)
      } catch (error) {
        if (isLmappError(error, 'bad-input')) return undefined
        throw error
      }
    },
    async whenLoaded(call = {}) {
      for (;;) {
        const identity = await connection.identify(call)
        if (identity.state === 'ready') return identity.props
        await pauseFor(loadingPauseMs, call)
      }
    },
  }
  return catalogue
}

async function askProps(
  connection: LlamaServerConnection,
  wireName: string,
  load: boolean,
  call: CallOptions,
): Promise<ModelProps> {
  const path = `/props?model=${encodeURIComponent(wireName)}${load ? '' : '&autoload=false'}`
  const response = await connection.request({ method: 'GET', path, model: wireName, ...call })
  const props = parseModelProps(parseJson(await response.text()))
  if (props) return props
  throw new LmappError('protocol-violation', `${engine} does not say what its model "${wireName}" is.`)
}

export async function pauseFor(milliseconds: number, { signal }: CallOptions): Promise<void> {
  try {
    await pause(milliseconds, undefined, signal ? { signal } : {})
  } catch (cause) {
    throw new LmappError('cancelled', 'The waiting was cancelled.', { cause })
  }
}

/** A router that was told not to load by itself says so by a bad request. */
function notLoaded(model: string, cause: LmappError): LmappError {
  return new LmappError('model-load-failed', `${engine} has not loaded ${model}, and does not do it by itself.`, {
    hint: 'Load it there, or start the router with --models-autoload',
    details: { model, ...cause.details },
    cause,
  })
}

/** The server is there, and answers nothing until its model is loaded. */
export function stillLoading(): LmappError {
  return new LmappError('busy', `${engine} is still loading its model.`, { details: { loading: true } })
}

export function isStillLoading(error: unknown): boolean {
  if (!isLmappError(error, 'busy')) return false
  const { loading, said } = error.details ?? {}
  return loading === true || /loading model/i.test(toOptionalText(said) ?? '')
}

function means(name: string, { info, names }: ServedModel): boolean {
  return isNameOf(name, { id: info.id, names })
}

type Listed = NonNullable<ReturnType<typeof parseModelList>>[number]

function toSingleModel(props: ModelProps, listed: Listed | undefined): ServedModel {
  const { path, alias, quantization } = props
  const names = [alias, listed?.info.id, ...(listed?.aliases ?? []), path].filter((name) => name !== undefined)
  const wireName = names[0] ?? engine
  const info: ModelInfo = {
    ...listed?.info,
    id: toModelName(wireName),
    ...(quantization !== undefined && { quantization }),
    ...(path !== undefined && { path }),
    loaded: true,
  }
  return { info, wireName, names, state: 'ready', props }
}

/** What a router does with a model; one that sleeps is loaded again by the next request. */
function parseRouterList(answer: unknown): ServedModel[] {
  const statuses = new Map(
    toList(toFields(answer).data).map((item) => {
      const { id, status, path } = toFields(item)
      return [id, { value: toFields(status).value, path: toOptionalText(path) }]
    }),
  )
  return (parseModelList(answer) ?? []).map(({ info, aliases }) => {
    const { value, path } = statuses.get(info.id) ?? {}
    return {
      info: { ...info, loaded: value === 'loaded', ...(path !== undefined && { path }) },
      wireName: info.id,
      names: [info.id, ...aliases],
      state: value === 'loaded' ? 'ready' : value === 'loading' ? 'loading' : 'unloaded',
    }
  })
}
