import { isDeepStrictEqual } from 'node:util'
import { isSchema, type Schema, typeNames } from './merge-schemas.ts'

const mostCompared = 64
const mostLiterals = 256

/** Whether no value can satisfy two of them, as far as types, literals and one telling property show. */
export function arePairwiseDisjoint(schemas: readonly unknown[]): boolean {
  if (schemas.length > mostCompared) return false
  return schemas.every((one, index) => schemas.slice(index + 1).every((other) => areDisjoint(one, other)))
}

function areDisjoint(one: unknown, other: unknown): boolean {
  if (one === false || other === false) return true
  if (!isSchema(one) || !isSchema(other)) return false
  const [literals, others] = [literalsOf(one), literalsOf(other)]
  if ((literals?.length ?? 0) > mostLiterals || (others?.length ?? 0) > mostLiterals) return false
  if (literals && others) return !literals.some((value) => others.some((rival) => isDeepStrictEqual(value, rival)))
  const [types, rivals] = [typesOf(one), typesOf(other)]
  if (types && rivals && !types.some((type) => rivals.includes(type))) return true
  return tellingProperties(one).some((name) => {
    if (!tellingProperties(other).includes(name)) return false
    return areDisjoint(propertyOf(one, name), propertyOf(other, name))
  })
}

function literalsOf(schema: Schema): readonly unknown[] | undefined {
  if ('const' in schema) return [schema.const]
  return Array.isArray(schema.enum) ? schema.enum : undefined
}

/** An integer is a number. */
function typesOf(schema: Schema): string[] | undefined {
  const literals = literalsOf(schema)
  if (literals) return literals.map(typeOf)
  if (schema.type === undefined) return undefined
  return typeNames(schema.type).map((name) => (name === 'integer' ? 'number' : name))
}

function typeOf(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value
}

/** Required properties of what can only be an object. */
function tellingProperties(schema: Schema): string[] {
  if (!typesOf(schema)?.includes('object') || !Array.isArray(schema.required)) return []
  return schema.required.filter((name) => typeof name === 'string')
}

function propertyOf(schema: Schema, name: string): unknown {
  const properties = isSchema(schema.properties) ? schema.properties : {}
  const property = Object.hasOwn(properties, name) ? properties[name] : undefined
  // Deep comparison would not end for schemas that hold themselves; one level tells.
  if (!isSchema(property)) return property
  const { const: literal, enum: listed, type } = property
  return {
    ...('const' in property && { const: literal }),
    ...(listed !== undefined && { enum: listed }),
    ...(type !== undefined && { type }),
  }
}
