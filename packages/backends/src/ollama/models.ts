import type { Capabilities, ModelInfo, Support } from 'lmapp-kit'
import { type Fields, toFields, toList, toOptionalCount, toOptionalText } from '../json/fields.ts'
import { normalizeModelName } from './model-name.ts'

/** A model in memory, out of `/api/ps`. */
export interface LoadedModel {
  id: string
  /** What it is loaded with, in tokens. */
  contextLength?: number
}

export function parseLoadedModels(answer: unknown): LoadedModel[] {
  return toList(toFields(answer).models).flatMap((value) => {
    const fields = toFields(value)
    const id = toOptionalText(fields.model) ?? toOptionalText(fields.name)
    const contextLength = toOptionalCount(fields.context_length)
    return id === undefined ? [] : [{ id: normalizeModelName(id), ...(contextLength && { contextLength }) }]
  })
}

export function parseModelList(answer: unknown, loaded: readonly LoadedModel[]): ModelInfo[] {
  return toList(toFields(answer).models).flatMap((value) => {
    const fields = toFields(value)
    const id = toOptionalText(fields.model) ?? toOptionalText(fields.name)
    return id === undefined ? [] : [toListedModel(normalizeModelName(id), fields, loaded)]
  })
}

function toListedModel(id: string, fields: Fields, loaded: readonly LoadedModel[]): ModelInfo {
  const digest = toOptionalText(fields.digest)
  const sizeBytes = toOptionalCount(fields.size)
  const modifiedAt = toOptionalText(fields.modified_at)
  const contextLength = toOptionalCount(toFields(fields.details).context_length)
  return {
    id,
    ...(sizeBytes !== undefined && { sizeBytes }),
    ...(modifiedAt !== undefined && { modifiedAt: toIsoTime(modifiedAt) }),
    ...toDetails(toFields(fields.details)),
    ...(contextLength && { contextLength }),
    loaded: loaded.some((model) => model.id === id),
    ...(Array.isArray(fields.capabilities) && { capabilities: toCapabilities(fields.capabilities) }),
    ...(digest !== undefined && { digest: digest.startsWith('sha256:') ? digest : `sha256:${digest}` }),
  }
}

/** What `/api/show` says; the name, size and digest stand only in the list. */
export interface ModelDetails {
  info: Omit<ModelInfo, 'id'>
  /** `num_ctx` of its Modelfile. */
  presetContext?: number
}

export function parseModelDetails(answer: unknown): ModelDetails {
  const fields = toFields(answer)
  const modelInfo = toFields(fields.model_info)
  const contextLength = toOptionalCount(
    modelInfo[`${toOptionalText(modelInfo['general.architecture'])}.context_length`],
  )
  const license = toLicense(modelInfo['general.license'], fields.license)
  const template = toOptionalText(fields.template)
  const preset = /^num_ctx\s+(\d+)\s*$/m.exec(toOptionalText(fields.parameters) ?? '')
  return {
    info: {
      ...toDetails(toFields(fields.details)),
      ...(contextLength && { contextLength }),
      ...(Array.isArray(fields.capabilities) && { capabilities: toCapabilities(fields.capabilities) }),
      ...(license !== undefined && { license }),
      ...(template !== undefined && { template }),
    },
    ...(preset && { presetContext: Number(preset[1]) }),
  }
}

/**
 * Whether Ollama's template leaves an assistant's message that is the last one without its end. Templates of messages do
 * it where they ask for the last one; those of one exchange (`.Response`) always do; with none the engine decides.
 */
export function leavesLastMessageOpen(template: string | undefined): boolean {
  if (template === undefined || !template.includes('.Messages')) return true
  return /\$last\b|slice \$?\.Messages/.test(template)
}

function toDetails(details: Fields): Pick<ModelInfo, 'quantization' | 'parameters' | 'family'> {
  const quantization = toOptionalText(details.quantization_level)
  const parameters = toOptionalText(details.parameter_size)
  const family = toOptionalText(details.family)
  return {
    ...(quantization !== undefined && { quantization }),
    ...(parameters !== undefined && { parameters }),
    ...(family !== undefined && { family }),
  }
}

/** An SPDX id out of the file itself, else the first line of the text. */
function toLicense(id: unknown, text: unknown): string | undefined {
  const firstLine = toOptionalText(text)
    ?.split('\n')
    .find((line) => line.trim() !== '')
  return toOptionalText(id) ?? firstLine?.trim().slice(0, 80)
}

/**
 * Ollama lists what a model can. It embeds with models for text, too, whether that is of use or not: `unknown`.
 * A schema is enforced by a grammar, whatever the model. That it can continue only a trial shows, never after thoughts.
 */
export function toCapabilities(listed: readonly unknown[]): Capabilities {
  const has = (name: string): Support => (listed.includes(name) ? 'yes' : 'no')
  return {
    chat: has('completion'),
    continue: listed.includes('completion') && !listed.includes('thinking') ? 'unknown' : 'no',
    tools: has('tools'),
    'json-schema': has('completion'),
    vision: has('vision'),
    reasoning: has('thinking'),
    embed: listed.includes('embedding') ? 'yes' : 'unknown',
    'count-tokens': 'no',
    load: has('completion'),
    unload: 'yes',
  }
}

/** Ollama writes nanoseconds and the server's own offset. */
function toIsoTime(text: string): string {
  const time = new Date(text)
  return Number.isNaN(time.getTime()) ? text : time.toISOString()
}
