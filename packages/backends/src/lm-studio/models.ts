import type { Capabilities, ModelInfo, Support } from 'lmapp-kit'
import { type Fields, isFields, toFields, toList, toOptionalCount, toOptionalText } from '../json/fields.ts'
import { parseModelList } from '../openai-wire/index.ts'

export interface LmStudioModel {
  info: ModelInfo
  /** Loaded copies; each answers to its own name, too. */
  instances: readonly LoadedInstance[]
}

export interface LoadedInstance {
  id: string
  /** What it is loaded with, in tokens. */
  contextLength?: number
}

/** A list of models, as one version of LM Studio gives it. Undefined when the answer is no such list. */
export interface ModelSource {
  path: string
  parse(answer: unknown): LmStudioModel[] | undefined
}

/** Newest first: 0.4, 0.3.6, and what every version has. */
export const modelSources: readonly ModelSource[] = [
  { path: '/api/v1/models', parse: parseVersion1 },
  { path: '/api/v0/models', parse: parseVersion0 },
  { path: '/v1/models', parse: parseCommon },
]

function parseVersion1(answer: unknown): LmStudioModel[] | undefined {
  const { models } = toFields(answer)
  if (!Array.isArray(models)) return undefined
  return models.flatMap((item) => {
    const fields = toFields(item)
    const id = toOptionalText(fields.key)
    return id === undefined ? [] : [toModel1(id, fields)]
  })
}

function toModel1(id: string, fields: Fields): LmStudioModel {
  const instances = toList(fields.loaded_instances).flatMap((item) => {
    const { id: name, config } = toFields(item)
    const instance = toOptionalText(name)
    return instance === undefined ? [] : [{ id: instance, ...context(toFields(config).context_length) }]
  })
  const can = toFields(fields.capabilities)
  return {
    instances,
    info: {
      id,
      ...toDetails({
        sizeBytes: toOptionalCount(fields.size_bytes),
        quantization: toOptionalText(toFields(fields.quantization).name),
        parameters: toOptionalText(fields.params_string),
        family: toOptionalText(fields.architecture),
      }),
      ...context(fields.max_context_length),
      loaded: instances.length > 0,
      capabilities: {
        ...toCapabilities(fields.type === 'embedding', can.trained_for_tool_use === true),
        ...(typeof can.vision === 'boolean' && { vision: toSupport(can.vision) }),
        ...(isFields(can.reasoning) && { reasoning: 'yes' as const }),
        load: 'yes',
        unload: 'yes',
      },
    },
  }
}

function parseVersion0(answer: unknown): LmStudioModel[] | undefined {
  const { data } = toFields(answer)
  if (!Array.isArray(data)) return undefined
  return data.flatMap((item) => {
    const fields = toFields(item)
    const id = toOptionalText(fields.id)
    return id === undefined ? [] : [toModel0(id, fields)]
  })
}

function toModel0(id: string, fields: Fields): LmStudioModel {
  const loaded = fields.state === 'loaded'
  return {
    instances: loaded ? [{ id, ...context(fields.loaded_context_length) }] : [],
    info: {
      id,
      ...toDetails({ quantization: toOptionalText(fields.quantization), family: toOptionalText(fields.arch) }),
      ...context(fields.max_context_length),
      loaded,
      capabilities: {
        ...toCapabilities(fields.type === 'embeddings', toList(fields.capabilities).includes('tool_use')),
        vision: toSupport(fields.type === 'vlm'),
        load: 'no',
        unload: 'no',
      },
    },
  }
}

function parseCommon(answer: unknown): LmStudioModel[] | undefined {
  return parseModelList(answer)?.map(({ info }) => ({ info, instances: [] }))
}

/** Every chat model may be given tools, trained for it or not; a schema is enforced by a grammar. */
function toCapabilities(embeds: boolean, trainedForTools: boolean): Capabilities {
  if (embeds) return { chat: 'no', continue: 'no', tools: 'no', 'json-schema': 'no', embed: 'yes' }
  return { chat: 'yes', tools: trainedForTools ? 'yes' : 'unknown', 'json-schema': 'yes', embed: 'no' }
}

function toSupport(can: boolean): Support {
  return can ? 'yes' : 'no'
}

type Details = Pick<ModelInfo, 'sizeBytes' | 'quantization' | 'parameters' | 'family'>

/** Those that are there. */
function toDetails(details: { [name in keyof Details]: Details[name] | undefined }): Details {
  return Object.fromEntries(Object.entries(details).filter(([, value]) => value !== undefined))
}

function context(value: unknown): { contextLength?: number } {
  const contextLength = toOptionalCount(value)
  return contextLength ? { contextLength } : {}
}
