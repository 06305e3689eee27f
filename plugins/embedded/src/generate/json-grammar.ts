import { LmappError, type Warning } from 'lmapp-kit'
import type { Llama, LlamaGrammarEvaluationState } from 'node-llama-cpp'
import type { LoadedModel } from '../engine/loaded-model.ts'
import { unsupportedSetting } from './sampling.ts'

type GrammarSchema = Parameters<Llama['createGrammarForJsonSchema']>[0]

export interface JsonGrammar {
  state: LlamaGrammarEvaluationState
  warnings: Warning[]
}

/** A grammar that lets the model write nothing but JSON of that schema. */
export async function createJsonGrammar(
  { runtime, model }: LoadedModel,
  schema: Record<string, unknown>,
): Promise<JsonGrammar> {
  const ignored = new Set<string>()
  try {
    const grammar = await runtime.llama.createGrammarForJsonSchema(toGrammarSchema(schema, ignored) as GrammarSchema)
    const state = new runtime.library.LlamaGrammarEvaluationState({ model, grammar })
    return { state, warnings: [...ignored].map(toWarning) }
  } catch (cause) {
    throw new LmappError('bad-input', 'No grammar can be made of this JSON schema.', {
      hint: 'Give a schema with "type", "properties", "items", "enum", "const" or "anyOf"',
      details: { setting: 'schema' },
      cause,
    })
  }
}

/** True when an object or a list has just been closed: small models would go on with blank lines. */
export function isWholeJson(text: string): boolean {
  const end = text.trimEnd().at(-1)
  if (end !== '}' && end !== ']') return false
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

const anything: Record<string, unknown> = {
  oneOf: [
    { type: ['string', 'number', 'boolean', 'null'] },
    { type: 'object', additionalProperties: true },
    { type: 'array' },
  ],
}

const annotations = new Set(['title', 'description', 'default', 'examples', '$schema', '$id', '$comment', 'required'])
const honoured = new Set(
  [
    'type properties additionalProperties minProperties maxProperties items prefixItems minItems maxItems',
    'minLength maxLength format enum const oneOf anyOf $ref $defs definitions',
  ]
    .join(' ')
    .split(' '),
)

/** JSON Schema in the words that the grammar maker knows. Keywords without effect are added to `ignored`. */
export function toGrammarSchema(schema: unknown, ignored: Set<string>): Record<string, unknown> {
  if (!isRecord(schema)) return anything
  for (const keyword of Object.keys(schema)) {
    if (!honoured.has(keyword) && !annotations.has(keyword)) ignored.add(keyword)
  }
  const definitions = mapValues({ ...asRecord(schema.definitions), ...asRecord(schema.$defs) }, ignored)
  const $defs = Object.keys(definitions).length > 0 && { $defs: definitions }
  if (typeof schema.$ref === 'string') {
    return { $ref: schema.$ref.replace('#/definitions/', '#/$defs/'), ...$defs }
  }
  const choices = schema.oneOf ?? schema.anyOf
  if (Array.isArray(choices)) return { oneOf: choices.map((choice) => toGrammarSchema(choice, ignored)), ...$defs }
  if ('const' in schema) return { const: schema.const }
  if (Array.isArray(schema.enum)) return { enum: schema.enum }
  return { ...toTyped(schema, ignored), ...$defs }
}

function toTyped(schema: Record<string, unknown>, ignored: Set<string>): Record<string, unknown> {
  const { type } = schema
  if (Array.isArray(type) && type.some((name) => name === 'object' || name === 'array')) {
    return { oneOf: type.map((name) => toTyped({ ...schema, type: name }, ignored)) }
  }
  if (type === 'object' || (type === undefined && schema.properties !== undefined)) return toObject(schema, ignored)
  if (type === 'array') {
    return {
      ...pick(schema, ['minItems', 'maxItems']),
      type,
      ...(schema.items !== undefined && { items: toGrammarSchema(schema.items, ignored) }),
      ...(Array.isArray(schema.prefixItems) && {
        prefixItems: schema.prefixItems.map((item) => toGrammarSchema(item, ignored)),
      }),
    }
  }
  if (type === 'string') return toText(schema, ignored)
  return type === undefined ? anything : { type }
}

function toObject(schema: Record<string, unknown>, ignored: Set<string>): Record<string, unknown> {
  const properties = asRecord(schema.properties)
  const free = schema.additionalProperties
  // A schema without properties means any object; one with them means these, or the model would never end.
  const open = free === undefined ? Object.keys(properties).length === 0 : free
  return {
    ...pick(schema, ['minProperties', 'maxProperties']),
    type: 'object',
    properties: mapValues(properties, ignored),
    additionalProperties: typeof open === 'boolean' ? open : toGrammarSchema(open, ignored),
  }
}

const knownFormats = new Set<unknown>(['date-time', 'time', 'date'])

function toText(schema: Record<string, unknown>, ignored: Set<string>): Record<string, unknown> {
  if (knownFormats.has(schema.format)) return { type: 'string', format: schema.format }
  if (schema.format !== undefined) ignored.add('format')
  return { ...pick(schema, ['minLength', 'maxLength']), type: 'string' }
}

function toWarning(keyword: string): Warning {
  return unsupportedSetting(`schema.${keyword}`, `"${keyword}" of the schema has no effect on what the model writes.`)
}

function mapValues(schemas: Record<string, unknown>, ignored: Set<string>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(schemas).map(([name, value]) => [name, toGrammarSchema(value, ignored)]))
}

function pick(schema: Record<string, unknown>, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(names.filter((name) => schema[name] !== undefined).map((name) => [name, schema[name]]))
}

function asRecord(value: unknown): Record<string, unknown> {
  return isRecord(value) ? value : {}
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
