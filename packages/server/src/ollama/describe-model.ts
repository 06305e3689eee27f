import { createHash } from 'node:crypto'
import type { ApiModel } from 'lmapp-client'
import type { JsonSchema } from '../parse/fields.ts'

/** What is the same of a model wherever Ollama tells of one. */
export interface DescribedModel {
  name: string
  model: string
  modified_at: string
  size: number
  /** 64 hexadecimal digits: clients cut the first twelve. */
  digest: string
  details: ModelDetails
  capabilities: string[]
}

export interface ModelDetails {
  parent_model: string
  format: string
  family: string
  families: string[]
  parameter_size: string
  quantization_level: string
}

const text = { type: 'string' }
const texts = { type: 'array', items: text }
const time = { type: 'string', format: 'date-time' }

export const detailsSchema: JsonSchema = {
  type: 'object',
  required: ['parent_model', 'format', 'family', 'families', 'parameter_size', 'quantization_level'],
  properties: {
    parent_model: text,
    format: text,
    family: text,
    families: texts,
    parameter_size: text,
    quantization_level: text,
  },
  additionalProperties: false,
}
export const capabilitiesSchema: JsonSchema = {
  type: 'array',
  items: { enum: ['completion', 'tools', 'vision', 'thinking', 'embedding'] },
}
export const modelProperties: JsonSchema = {
  name: { ...text, description: 'A model reference of lmapp: backend/model.' },
  model: text,
  modified_at: time,
  size: { type: 'integer', minimum: 0 },
  digest: { type: 'string', pattern: '^[0-9a-f]{64}$' },
  details: detailsSchema,
  capabilities: capabilitiesSchema,
}

export function describeModel(model: ApiModel): DescribedModel {
  return {
    name: model.ref,
    model: model.ref,
    modified_at: toModifiedAt(model),
    size: Math.round(model.sizeBytes ?? 0),
    digest: toDigest(model),
    details: toDetails(model),
    capabilities: toCapabilities(model),
  }
}

/** Where nobody knows it, the time that Ollama's command line shows as "Never". */
export function toModifiedAt({ modifiedAt }: ApiModel): string {
  const time = Date.parse(modifiedAt ?? '')
  return Number.isNaN(time) ? '0001-01-01T00:00:00Z' : new Date(time).toISOString()
}

export function toDetails({ family = '', parameters = '', quantization = '', path }: ApiModel): ModelDetails {
  return {
    parent_model: '',
    format: quantization !== '' || path !== undefined ? 'gguf' : '',
    family,
    families: family === '' ? [] : [family],
    parameter_size: parameters,
    quantization_level: quantization,
  }
}

/** What is known for sure. Who has `embedding` is not chatted with by Ollama's clients: it is for those that do nothing else. */
export function toCapabilities({ capabilities = {} }: ApiModel): string[] {
  const { chat, tools, vision, reasoning, embed } = capabilities
  return [
    ...(chat === 'no' ? [] : ['completion']),
    ...(tools === 'yes' ? ['tools'] : []),
    ...(vision === 'yes' ? ['vision'] : []),
    ...(reasoning === 'yes' ? ['thinking'] : []),
    ...(embed === 'yes' && chat === 'no' ? ['embedding'] : []),
  ]
}

/** Where no content is known, that of the name: the same each time, and another one for another model. */
function toDigest({ digest = '', ref }: ApiModel): string {
  const [, known] = /^sha256:([0-9a-f]{64})$/.exec(digest) ?? []
  return known ?? createHash('sha256').update(ref).digest('hex')
}
