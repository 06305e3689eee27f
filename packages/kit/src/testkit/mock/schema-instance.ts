type Schema = Record<string, unknown>

/** The smallest value that satisfies a JSON Schema, for the keywords that tools and structured answers use. */
export function toSchemaInstance(schema: Schema): unknown {
  return toInstance(schema, schema, 0)
}

function toInstance(schema: Schema, root: Schema, depth: number): unknown {
  if (depth > 32) return null
  if ('const' in schema) return schema.const
  if (Array.isArray(schema.enum)) return schema.enum[0]
  const other = toReferenced(schema, root) ?? firstOf(schema)
  if (other) return toInstance(other, root, depth + 1)
  switch (toType(schema)) {
    case 'object':
      return toObject(schema, root, depth)
    case 'array':
      return toArray(schema, root, depth)
    case 'string':
      return 'a'.repeat(toNumber(schema.minLength, 0))
    case 'integer':
      return Math.ceil(toNumber(schema.minimum, 0))
    case 'number':
      return toNumber(schema.minimum, 0)
    case 'boolean':
      return false
    default:
      return null
  }
}

function toReferenced(schema: Schema, root: Schema): Schema | undefined {
  if (typeof schema.$ref !== 'string' || !schema.$ref.startsWith('#')) return undefined
  const steps = schema.$ref.slice(1).split('/').filter(Boolean)
  return steps.reduce<Schema | undefined>((at, step) => at && toSchema(at[step]), root)
}

function firstOf(schema: Schema): Schema | undefined {
  for (const choices of [schema.anyOf, schema.oneOf]) {
    if (Array.isArray(choices)) return toSchema(choices[0])
  }
  return undefined
}

function toType(schema: Schema): unknown {
  if (Array.isArray(schema.type)) return schema.type[0]
  return schema.type ?? (schema.properties ? 'object' : undefined)
}

function toObject(schema: Schema, root: Schema, depth: number): Record<string, unknown> {
  const required = Array.isArray(schema.required) ? schema.required : []
  const properties = toSchema(schema.properties) ?? {}
  const entries = required.map((key): [string, unknown] => [
    String(key),
    toInstance(toSchema(properties[String(key)]) ?? {}, root, depth + 1),
  ])
  return Object.fromEntries(entries)
}

function toArray(schema: Schema, root: Schema, depth: number): unknown[] {
  const items = toSchema(schema.items) ?? {}
  return Array.from({ length: toNumber(schema.minItems, 0) }, () => toInstance(items, root, depth + 1))
}

function toSchema(value: unknown): Schema | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Schema) : undefined
}

function toNumber(value: unknown, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise
}
