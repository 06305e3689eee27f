import assert from 'node:assert/strict'
import { it } from 'node:test'
import { toSchemaInstance } from './schema-instance.ts'

const cases: [schema: Record<string, unknown>, instance: unknown][] = [
  [{ const: 7 }, 7],
  [{ enum: ['red', 'blue'] }, 'red'],
  [{ type: 'string' }, ''],
  [{ type: 'string', minLength: 3 }, 'aaa'],
  [{ type: 'integer', minimum: 1.5 }, 2],
  [{ type: 'number', minimum: 1.5 }, 1.5],
  [{ type: 'boolean' }, false],
  [{ type: 'null' }, null],
  [{ type: ['integer', 'null'] }, 0],
  [{}, null],
  [{ type: 'array', items: { type: 'boolean' }, minItems: 2 }, [false, false]],
  [{ type: 'array' }, []],
  [
    { properties: { a: { type: 'string' }, b: {} }, required: ['a', 'c'] },
    { a: '', c: null },
  ],
  [{ type: 'object' }, {}],
  [{ anyOf: [{ type: 'integer' }, { type: 'null' }] }, 0],
  [{ oneOf: ['no schema'], type: 'string' }, ''],
  [{ $ref: '#/$defs/name', $defs: { name: { type: 'string', minLength: 1 } } }, 'a'],
  [{ $ref: '#/$defs/missing', type: 'string' }, ''],
  [{ $ref: 'https://example.com/schema', type: 'boolean' }, false],
]

for (const [schema, instance] of cases) {
  it(`${JSON.stringify(schema)} has the instance ${JSON.stringify(instance)}`, () => {
    assert.deepEqual(toSchemaInstance(schema), instance)
  })
}

it('gives up on a schema that never ends', () => {
  assert.equal(toSchemaInstance({ $ref: '#' }), null)
})
