import { isDeepStrictEqual } from 'node:util'

/** A JSON schema that is no boolean. */
export type Schema = Readonly<Record<string, unknown>>

export interface Merging {
  /** Called with a keyword that cannot be honoured twice. */
  onConflict(keyword: string): void
}

/** What satisfies both, or `false` when nothing does. Neither holds `$ref` or `allOf`. */
export function mergeSchemas(one: Schema, other: Schema, merging: Merging): Schema | false {
  const merged: Record<string, unknown> = { ...closeProperties(other, one), ...closeProperties(one, other) }
  for (const keyword of Object.keys(other)) {
    if (!Object.hasOwn(one, keyword)) continue
    const value = mergeKeyword(keyword, one[keyword], other[keyword])
    if (value === conflict) merging.onConflict(keyword)
    else if (value === never) return false
    else merged[keyword] = value
  }
  const properties = mergeProperties(one, other)
  if (properties) merged.properties = properties
  return merged
}

const conflict = Symbol('conflict')
const never = Symbol('never')

function mergeKeyword(keyword: string, one: unknown, other: unknown): unknown {
  if (annotations.has(keyword)) return one
  if (lower.has(keyword)) return typeof one === 'number' && typeof other === 'number' ? Math.max(one, other) : one
  if (upper.has(keyword)) return typeof one === 'number' && typeof other === 'number' ? Math.min(one, other) : one
  switch (keyword) {
    case 'properties':
      return one
    case 'type':
      return mergeTypes(one, other)
    case 'required':
      return [...new Set([...listOf(one), ...listOf(other)])]
    case 'enum':
      return mergeEnums(listOf(one), listOf(other))
    case 'const':
      return isDeepStrictEqual(one, other) ? one : never
    case 'items':
    case 'additionalProperties':
      return { allOf: [one, other] }
    case 'anyOf':
    case 'oneOf':
      return mergeChoices(listOf(one), listOf(other))
    default:
      return isDeepStrictEqual(one, other) ? one : conflict
  }
}

export const annotations: ReadonlySet<string> = new Set([
  'title',
  'description',
  'default',
  'examples',
  '$schema',
  '$id',
  '$comment',
  '$defs',
  'definitions',
  'deprecated',
  'readOnly',
  'writeOnly',
])
const lower = new Set(['minimum', 'exclusiveMinimum', 'minLength', 'minItems', 'minProperties'])
const upper = new Set(['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems', 'maxProperties'])
const mostCombinations = 256
const mostComparisons = 1_000_000

function mergeTypes(one: unknown, other: unknown): unknown {
  const [ones, others] = [typeNames(one), typeNames(other)]
  const both = ones.filter((name) => others.includes(name) || (name === 'integer' && others.includes('number')))
  if (ones.includes('number') && others.includes('integer') && !ones.includes('integer')) both.push('integer')
  return both.length === 0 ? never : both
}

function mergeEnums(one: readonly unknown[], other: readonly unknown[]): unknown {
  if (one.length * other.length > mostComparisons) return conflict
  const both = one.filter((value) => other.some((candidate) => isDeepStrictEqual(value, candidate)))
  return both.length === 0 ? never : both
}

function mergeChoices(one: readonly unknown[], other: readonly unknown[]): unknown {
  if (one.length * other.length > mostCombinations) return conflict
  return one.flatMap((left) => other.map((right) => ({ allOf: [left, right] })))
}

function mergeProperties(one: Schema, other: Schema): Record<string, unknown> | undefined {
  if (!isSchema(one.properties) || !isSchema(other.properties)) return undefined
  const [ones, others] = [closeProperties(one, other).properties, closeProperties(other, one).properties] as Schema[]
  const merged = Object.entries({ ...others, ...ones }).map(([name, value]): [string, unknown] => {
    const both = ones && others && Object.hasOwn(ones, name) && Object.hasOwn(others, name)
    return [name, both ? { allOf: [ones[name], others[name]] } : value]
  })
  return Object.fromEntries(merged)
}

/** What `other` says of additional properties holds for those of `one` that it does not name itself. */
function closeProperties(one: Schema, other: Schema): Schema {
  const { additionalProperties: rule } = other
  if (!isSchema(one.properties) || rule === undefined || rule === true) return one
  const named = isSchema(other.properties) ? other.properties : {}
  const entries = Object.entries(one.properties).map(([name, value]): [string, unknown] => {
    if (Object.hasOwn(named, name)) return [name, value]
    return [name, rule === false ? false : { allOf: [value, rule] }]
  })
  return { ...one, properties: Object.fromEntries(entries) }
}

export function typeNames(type: unknown): string[] {
  return listOf(Array.isArray(type) ? type : [type]).filter((name) => typeof name === 'string')
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

export function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
