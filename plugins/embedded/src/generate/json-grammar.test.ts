import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isWholeJson, toGrammarSchema } from './json-grammar.ts'

function convert(schema: unknown): { schema: Record<string, unknown>; ignored: string[] } {
  const ignored = new Set<string>()
  return { schema: toGrammarSchema(schema, ignored), ignored: [...ignored] }
}

test('objects, lists, choices and references come through', () => {
  const { schema, ignored } = convert({
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'An order',
    type: 'object',
    required: ['id'],
    definitions: { id: { type: 'integer' } },
    properties: {
      id: { $ref: '#/definitions/id' },
      tags: { type: 'array', items: { type: 'string', minLength: 1 }, maxItems: 3 },
      pair: { type: 'array', prefixItems: [{ type: 'number' }, { const: 'x' }] },
      size: { enum: ['s', 'l'] },
      price: { anyOf: [{ type: 'number' }, { type: 'null' }] },
      day: { type: 'string', format: 'date' },
      note: { type: ['object', 'null'], properties: { text: { type: 'string' } } },
      rest: { type: 'object', additionalProperties: { type: 'boolean' } },
    },
  })
  assert.deepEqual(ignored, [])
  assert.deepEqual(schema, {
    type: 'object',
    additionalProperties: false,
    properties: {
      id: { $ref: '#/$defs/id' },
      tags: { type: 'array', items: { type: 'string', minLength: 1 }, maxItems: 3 },
      pair: { type: 'array', prefixItems: [{ type: 'number' }, { const: 'x' }] },
      size: { enum: ['s', 'l'] },
      price: { oneOf: [{ type: 'number' }, { type: 'null' }] },
      day: { type: 'string', format: 'date' },
      note: {
        oneOf: [
          { type: 'object', properties: { text: { type: 'string' } }, additionalProperties: false },
          { type: 'null' },
        ],
      },
      rest: { type: 'object', properties: {}, additionalProperties: { type: 'boolean' } },
    },
    $defs: { id: { type: 'integer' } },
  })
})

test('an object without properties may be any object; a schema without a type may be anything', () => {
  assert.equal(convert({ type: 'object' }).schema.additionalProperties, true)
  assert.ok(Array.isArray(convert({}).schema.oneOf))
  assert.ok(Array.isArray(convert(true).schema.oneOf))
  assert.equal(convert({ properties: {} }).schema.type, 'object')
})

test('keywords without effect are named, each once', () => {
  const schema = {
    type: 'object',
    properties: {
      a: { type: 'number', minimum: 1 },
      b: { type: 'number', minimum: 2 },
      c: { type: 'string', format: 'uri' },
    },
    patternProperties: {},
  }
  assert.deepEqual(convert(schema).ignored, ['patternProperties', 'minimum', 'format'])
})

test('an object or a list that has just been closed is whole', () => {
  assert.equal(isWholeJson('{"a": {"b": 1}'), false)
  assert.equal(isWholeJson('{"a": {"b": 1}}\n'), true)
  assert.equal(isWholeJson('[1, 2]'), true)
  assert.equal(isWholeJson('{"a": "}'), false)
  assert.equal(isWholeJson('12'), false)
})
