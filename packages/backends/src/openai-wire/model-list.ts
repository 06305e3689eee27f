import type { Capabilities, ModelInfo } from 'lmapp-kit'
import { type Fields, isFields, toFields, toList, toOptionalCount, toOptionalText } from '../json/fields.ts'

/** An entry of `/v1/models`. */
export interface ListedModel {
  info: ModelInfo
  /** What the engine serves it with, prompt and answer together, in tokens. */
  servedContext?: number
  /** Other names that it answers to. */
  aliases: readonly string[]
  /** With vLLM the files that it is made of: entries with the same ones are names of one model. Adapters have none. */
  root?: string
  /** What the server says of whose it is; engines sign with their name here. */
  ownedBy?: string
}

/** The answer of `/v1/models`. Undefined when it is no such list; entries without id are left out. */
export function parseModelList(answer: unknown): ListedModel[] | undefined {
  const list = isFields(answer) ? answer.data : answer
  if (!Array.isArray(list)) return undefined
  return list.flatMap((item) => {
    const fields = toFields(item)
    const id = toOptionalText(fields.id)
    return id === undefined ? [] : [toListedModel(id, fields)]
  })
}

function toListedModel(id: string, fields: Fields): ListedModel {
  const meta = toFields(fields.meta)
  const servedContext = toServedContext(fields, meta)
  const contextLength = toSize(meta.n_ctx_train) ?? servedContext
  const sizeBytes = toSize(meta.size)
  const parameters = toSize(meta.n_params)
  const quantization = toOptionalText(meta.ftype)
  const ownedBy = toOptionalText(fields.owned_by)
  const root = toOptionalText(fields.parent) === undefined ? toOptionalText(fields.root) : undefined
  const capabilities = toCapabilities(toFields(fields.architecture))
  const state = toOptionalText(toFields(fields.status).value)
  return {
    info: {
      id,
      ...(sizeBytes !== undefined && { sizeBytes }),
      ...(quantization !== undefined && { quantization }),
      ...(parameters !== undefined && { parameters: toParameters(parameters) }),
      ...(contextLength !== undefined && { contextLength }),
      ...(state !== undefined && { loaded: state === 'loaded' }),
      ...(capabilities && { capabilities }),
    },
    ...(servedContext !== undefined && { servedContext }),
    aliases: toList(fields.aliases).flatMap((alias) => toOptionalText(alias) ?? []),
    ...(root !== undefined && { root }),
    ...(ownedBy !== undefined && { ownedBy }),
  }
}

/** vLLM and SGLang, llama.cpp, and what gateways write. */
function toServedContext(fields: Fields, meta: Fields): number | undefined {
  const named = [
    fields.max_model_len,
    meta.n_ctx,
    fields.context_length,
    fields.context_window,
    fields.max_context_length,
  ]
  return named.map(toSize).find((size) => size !== undefined)
}

function toSize(value: unknown): number | undefined {
  return toOptionalCount(value) || undefined
}

/** As `135M` and `7.2B`. */
function toParameters(count: number): string {
  if (count < 1e9) return `${Math.round(count / 1e6)}M`
  return `${Number((count / 1e9).toFixed(1))}B`
}

/** llama.cpp and some gateways say what a model reads. */
function toCapabilities({ input_modalities: modalities }: Fields): Capabilities | undefined {
  return Array.isArray(modalities) ? { vision: modalities.includes('image') ? 'yes' : 'no' } : undefined
}
