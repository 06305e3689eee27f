import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configSchema, createDefaultConfigText, parseConfig } from './index.ts'

interface Schema {
  $schema?: string
  type?: string
  description?: string
  default?: unknown
  minimum?: number
  pattern?: string
  required?: string[]
  anyOf?: Schema[]
  items?: Schema
  properties?: Record<string, Schema>
  propertyNames?: Schema
  additionalProperties?: Schema | boolean
}

const schema = configSchema as Schema

function everySchema(node: Schema): Schema[] {
  const below = [
    ...Object.values(node.properties ?? {}),
    ...(typeof node.additionalProperties === 'object' ? [node.additionalProperties] : []),
  ]
  return [node, ...below.flatMap(everySchema)]
}

test('the schema is JSON Schema 2020-12, plain JSON, with a word about every key', () => {
  assert.equal(schema.$schema, 'https://json-schema.org/draft/2020-12/schema')
  assert.deepEqual(JSON.parse(JSON.stringify(schema)), schema)
  for (const { description } of everySchema(schema)) assert.ok(description)
})

test('the schema and the validator agree on keys, patterns and defaults', () => {
  const known = Object.keys(schema.properties ?? {})
  for (const key of known) {
    const { problems } = parseConfig(JSON.stringify({ [key]: null }), '')
    assert.deepEqual(
      problems.map(({ kind }) => kind),
      ['wrong-value'],
      key,
    )
  }
  assert.equal(schema.properties?.failover?.properties?.retries?.default, parseConfig('', '').config.failover.retries)
  const backends = schema.properties?.backends
  assert.equal(backends?.propertyNames?.pattern, '^[a-z0-9-]+$')
  assert.deepEqual((backends?.additionalProperties as Schema).required, ['type'])
  assert.ok(new RegExp(schema.properties?.service?.properties?.keepAlive?.anyOf?.[0]?.pattern ?? '').test('1h30m'))
})

test('every key that the commented starter shows is in the schema', () => {
  const shown = [...createDefaultConfigText().matchAll(/^ {2}(?:\/\/ )?"([^"]+)":/gm)].map(([, key]) => key ?? '')
  assert.ok(shown.length >= 4)
  for (const key of shown) assert.ok(Object.hasOwn(schema.properties ?? {}, key), key)
})
