import { isDeepStrictEqual } from 'node:util'
import { arrayPiece } from './array-pieces.ts'
import { choice, type Piece, sequence, text } from './grammar.ts'
import { inexpressible } from './keywords.ts'
import { annotations, isSchema, type Schema, typeNames } from './merge-schemas.ts'
import { type Bounds, integersWithin, numbersWithin } from './number-pieces.ts'
import { objectMembers } from './object-pieces.ts'
import { SchemaError } from './schema-error.ts'
import { stringPiece } from './string-pieces.ts'
import { type Place, tooLarge, type WalkerTools } from './walker.ts'

/** A schema without `$ref`, `allOf`, `anyOf` and `oneOf`. */
export function walkTyped(schema: Schema, place: Place, tools: WalkerTools): Piece {
  const literals = toLiterals(schema, place)
  if (literals) {
    for (const keyword of Object.keys(schema)) if (!besideLiterals.has(keyword)) tools.ignore(keyword)
    return choice(...literals.map((value) => text(JSON.stringify(value))))
  }
  const names = schema.type === undefined ? impliedTypes(schema) : typeNames(schema.type)
  if (schema.type !== undefined && names.length === 0) throw new SchemaError(`${place.path}/type`, 'it names no type')
  return choice(...names.map((name) => walkType(name, schema, place, tools)))
}

const besideLiterals = new Set([...annotations, ...inexpressible, 'type', 'enum', 'const'])

const mostLiterals = 10_000

function toLiterals(schema: Schema, place: Place): unknown[] | undefined {
  if (Array.isArray(schema.enum) || 'const' in schema) {
    const listed = Array.isArray(schema.enum) ? schema.enum : [schema.const]
    if (listed.length > mostLiterals) throw tooLarge(place)
    const names = schema.type === undefined ? undefined : typeNames(schema.type)
    return listed.filter((value) => {
      if ('const' in schema && !isDeepStrictEqual(value, schema.const)) return false
      return !names || names.some((name) => isOfType(value, name))
    })
  }
  if (schema.enum !== undefined) throw new SchemaError(`${place.path}/enum`, 'it must be a list')
  return undefined
}

function isOfType(value: unknown, name: string): boolean {
  if (name === 'null') return value === null
  if (name === 'array') return Array.isArray(value)
  if (name === 'object') return isSchema(value)
  if (name === 'integer') return Number.isInteger(value)
  return typeof value === name
}

/** Where no type is said, what the other keywords are about. */
function impliedTypes(schema: Schema): string[] {
  const has = (...keywords: string[]) => keywords.some((keyword) => Object.hasOwn(schema, keyword))
  if (has('properties', 'required', 'additionalProperties', 'minProperties', 'maxProperties')) return ['object']
  if (has('items', 'prefixItems', 'minItems', 'maxItems', 'uniqueItems')) return ['array']
  if (has('minLength', 'maxLength', 'pattern', 'format')) return ['string']
  if (has('minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf')) return ['number']
  return ['anything']
}

function walkType(name: string, schema: Schema, place: Place, tools: WalkerTools): Piece {
  switch (name) {
    case 'anything':
      return tools.json.value
    case 'null':
      return text('null')
    case 'boolean':
      return tools.json.boolean
    case 'string':
      return tools.rules.add(stringPiece(schema, place, tools))
    case 'number':
    case 'integer':
      return tools.rules.add(toNumber(name, schema, place, tools))
    case 'array':
      return tools.rules.add(arrayPiece(schema, place, tools))
    case 'object':
      return tools.rules.add(sequence(text('{'), objectMembers(schema, place, tools), text('}')))
    default:
      throw new SchemaError(`${place.path}/type`, `"${name.slice(0, 50)}" is no type`)
  }
}

function toNumber(name: 'number' | 'integer', schema: Schema, place: Place, { json, ignore }: WalkerTools): Piece {
  const { multipleOf } = schema
  if (multipleOf !== undefined && !(name === 'integer' && multipleOf === 1)) ignore('multipleOf')
  const bounds = toBounds(schema, place)
  if (bounds.least === Number.NEGATIVE_INFINITY && bounds.most === Number.POSITIVE_INFINITY) return json[name]
  const within = name === 'integer' ? integersWithin(bounds) : numbersWithin(bounds)
  if (within) return within
  for (const keyword of boundKeywords) if (schema[keyword] !== undefined) ignore(keyword)
  return json[name]
}

const boundKeywords = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'] as const

function toBounds(schema: Schema, place: Place): Bounds {
  const [minimum, maximum, above, below] = boundKeywords.map((keyword) => {
    const value = schema[keyword]
    if (value === undefined || (typeof value === 'number' && Number.isFinite(value))) return value
    throw new SchemaError(`${place.path}/${keyword}`, 'it must be a number')
  })
  const least = Math.max(minimum ?? Number.NEGATIVE_INFINITY, above ?? Number.NEGATIVE_INFINITY)
  const most = Math.min(maximum ?? Number.POSITIVE_INFINITY, below ?? Number.POSITIVE_INFINITY)
  return { least, most, leastIncluded: least !== above, mostIncluded: most !== below }
}
