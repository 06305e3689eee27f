import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { type GrammarReader, openGrammarReader } from '../fixtures/grammar-reader.ts'
import { toSchemaGrammar } from './schema-grammar.ts'

let reads: GrammarReader
before(async () => {
  reads = await openGrammarReader()
})

interface Case {
  schema: unknown
  may?: readonly unknown[]
  /** Texts, not values. */
  mayWrite?: readonly string[]
  mayNot?: readonly unknown[]
  mayNotWrite?: readonly string[]
  unenforced?: readonly string[]
}

function check(
  name: string,
  { schema, may = [], mayWrite = [], mayNot = [], mayNotWrite = [], unenforced = [] }: Case,
) {
  test(name, () => {
    const { grammar, unenforced: found } = toSchemaGrammar(schema)
    assert.deepEqual(found, unenforced)
    const texts = (values: readonly unknown[]) => values.map((value) => JSON.stringify(value))
    for (const text of [...texts(may), ...mayWrite]) assert.ok(reads(grammar, text), `may write ${text}\n${grammar}`)
    for (const text of [...texts(mayNot), ...mayNotWrite]) assert.ok(!reads(grammar, text), `may not write ${text}`)
  })
}

describe('objects', () => {
  const person = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'A person',
    type: 'object',
    properties: {
      name: { type: 'string' },
      age: { type: 'integer' },
      tags: { type: 'array', items: { type: 'string' } },
    },
    required: ['name'],
  }
  check('have the required properties, and others of the schema, in its order', {
    schema: person,
    may: [{ name: 'a' }, { name: 'a', age: 3 }, { name: 'a', tags: [] }, { name: '', age: -1, tags: ['x', 'y'] }],
    mayWrite: ['{"name": "a", "age": 1}'],
    mayNot: [{}, { age: 3 }, { age: 3, name: 'a' }, { name: 'a', other: 1 }, { name: 1 }, [], 'a', null],
    mayNotWrite: ['{"name":"a"} ', '{"name":"a",}', ' {"name":"a"}', '{"name":  "a"}', '{"name":"a","name":"b"}'],
  })
  check('may all be optional, also the first', {
    schema: { properties: { a: { type: 'null' }, b: { type: 'null' }, c: { type: 'null' } }, required: ['b'] },
    may: [{ b: null }, { a: null, b: null }, { b: null, c: null }, { a: null, b: null, c: null }],
    mayNot: [{ a: null }, { a: null, c: null }],
  })
  check('without properties may be any object', {
    schema: { type: 'object' },
    may: [{}, { a: { b: [1, 'x', true, null, 1.5e3] } }],
    mayNot: [[], 1],
  })
  check('may be maps of one kind of value, and say how many', {
    schema: { type: 'object', additionalProperties: { type: 'boolean' }, minProperties: 1, maxProperties: 2 },
    may: [{ a: true }, { a: true, b: false }],
    mayNot: [{}, { a: 1 }, { a: true, b: true, c: true }],
  })
  check('with additional properties never write a named one twice', {
    schema: {
      type: 'object',
      properties: { ab: { type: 'integer' }, 'a"\\\n': { type: 'integer' }, é: { type: 'integer' } },
      additionalProperties: { type: 'string' },
    },
    may: [{ ab: 1 }, { ab: 1, abc: 'x', a: 'y', b: '', '': 'z' }, { x: '1' }, { é: 2, è: '' }],
    mayNot: [{ ab: 'x' }, { ab: 1, x: 2 }, { é: '' }],
    mayNotWrite: ['{"\\u0061b":"x"}', '{"a\\u0062":"x"}', '{"ab":1,"ab":"x"}', '{"a\\"\\\\\\n":"x"}'],
  })
  check('with a very long name keep apart from it all the same', {
    schema: { properties: { ['n'.repeat(100)]: { type: 'null' } }, additionalProperties: { type: 'string' } },
    may: [{ n: '' }, { m: '' }, { [`${'n'.repeat(60)}m`]: '' }],
    mayNot: [{ ['n'.repeat(100)]: '' }],
  })
  check('a required name without a schema of its own may be anything', {
    schema: { type: 'object', properties: { a: true }, required: ['a', 'b'] },
    may: [{ a: 1, b: [] }],
    mayNot: [{ a: 1 }],
  })
  check('optional properties become as many as the schema wants, and no more', {
    schema: {
      properties: { a: { const: 1 }, b: { const: 2 }, c: { const: 3 } },
      required: ['b'],
      minProperties: 2,
      maxProperties: 2,
    },
    may: [{ a: 1, b: 2 }],
    mayNot: [{ b: 2 }, { a: 1, b: 2, c: 3 }, { b: 2, c: 3 }],
  })
  check('a property that can have no value is left out', {
    schema: { properties: { a: false, b: true } },
    may: [{}, { b: 1 }],
    mayNot: [{ a: 1 }],
  })
  check('names that objects have anyway are names like others', {
    schema: JSON.parse('{"properties":{"__proto__":{"const":1},"constructor":{"const":2}},"required":["__proto__"]}'),
    mayWrite: ['{"__proto__":1}', '{"__proto__":1,"constructor":2}'],
    mayNot: [{}, { constructor: 2 }],
  })
})

describe('lists', () => {
  check('of one kind, as long as the schema says', {
    schema: { type: 'array', items: { type: 'integer' }, minItems: 1, maxItems: 3 },
    may: [[1], [1, 2, 3]],
    mayNot: [[], [1, 2, 3, 4], ['x']],
  })
  check('of exactly none', { schema: { type: 'array', maxItems: 0 }, may: [[]], mayNot: [[1]] })
  check('of pairs', {
    schema: { type: 'array', prefixItems: [{ type: 'number' }, { const: 'x' }] },
    may: [[1.5, 'x']],
    mayNot: [[], [1], [1, 'y'], [1, 'x', 2]],
  })
  check('that go on after their first items, also as older drafts say it', {
    schema: { items: [{ type: 'null' }], additionalItems: { type: 'boolean' }, minItems: 2, maxItems: 3 },
    may: [
      [null, true],
      [null, true, false],
    ],
    mayNot: [[null], [true, true], [null, true, true, true]],
  })
  check('of anything', { schema: { type: 'array' }, may: [[], [1, [2, { a: 'x' }]]], mayNot: [{}] })
})

describe('texts', () => {
  check('as long as the schema says, in characters', {
    schema: { type: 'string', minLength: 2, maxLength: 3 },
    may: ['ab', 'ab🙂', '"\\"'],
    mayNot: ['', 'a', 'abcd'],
    mayNotWrite: ['"a\nb"', '"\\ud83d"', '"\\x"', "'ab'"],
  })
  check('of a pattern, anywhere unless it is anchored', {
    schema: { type: 'string', pattern: '[A-Z]{2}\\d+' },
    may: ['AB1', 'xx AB12 "yy"'],
    mayNot: ['AB', 'ab1'],
  })
  check('of an anchored pattern', {
    schema: { pattern: '^(?:a|b?c){1,2}[^\\w"]\\.$' },
    may: ['a-.', 'bca\\.', 'cc\n.'],
    mayNot: ['-.', 'acc-.', 'a-', 'aw.', 'a".', 'xa-.'],
  })
  check('of a pattern with two ways', {
    schema: { pattern: '^\\u00e9+$|^\\x41(?<rest>[b\\-d]*?)$' },
    may: ['é', 'éé', 'A', 'Ab-d'],
    mayNot: ['', 'Ac', 'éA'],
  })
  for (const pattern of [
    '(?=a)',
    '\\bword',
    '(a)\\1',
    '\\p{L}',
    '[z-a]',
    '(',
    'a**',
    'x{3,1}',
    'x{9999}',
    '[a',
    '\\',
  ]) {
    check(`of a pattern that no grammar can say are any text, and that is said: ${pattern}`, {
      schema: { type: 'string', pattern },
      may: ['', 'anything'],
      unenforced: ['pattern'],
    })
  }
  const formats: Record<string, { may: string[]; mayNot: string[] }> = {
    date: {
      may: ['2024-02-29', '2000-02-29', '1999-12-31'],
      mayNot: ['2023-02-29', '1900-02-29', '2024-13-01', '2024-04-31'],
    },
    time: { may: ['23:59:59Z', '00:00:00.5+02:00'], mayNot: ['24:00:00Z', '12:00', '12:00:00'] },
    'date-time': { may: ['2024-02-29T12:00:00Z'], mayNot: ['2024-02-29', '2024-02-29 12:00:00Z'] },
    duration: { may: ['P1Y2M3DT4H5M6S', 'P2W', 'PT1S'], mayNot: ['P', 'PT', 'P1S'] },
    uuid: { may: ['123e4567-e89b-12d3-a456-426614174000'], mayNot: ['123e4567'] },
    email: { may: ['a.b+c@example.org'], mayNot: ['a@b', '@example.org', 'a b@example.org'] },
    hostname: { may: ['example.org', 'a-1'], mayNot: ['-a', 'a_b', ''] },
    ipv4: { may: ['127.0.0.1', '255.255.255.255'], mayNot: ['256.1.1.1', '1.1.1'] },
    ipv6: { may: ['2001:db8:0:0:0:0:0:1'], mayNot: ['1.1.1.1'] },
    uri: {
      may: ['https://example.org/a%20b?c=d#e', 'ftp://host:21'],
      mayNot: ['example.org', 'https:// x', 'https://a/%2'],
    },
  }
  for (const [format, { may, mayNot }] of Object.entries(formats)) {
    check(`of the format ${format}`, { schema: { type: 'string', format }, may, mayNot })
  }
  check('of an unknown format are any text, and that is said', {
    schema: { type: 'string', format: 'iri' },
    may: ['x'],
    unenforced: ['format'],
  })
  check('of both a pattern and a length keep to the pattern', {
    schema: { type: 'string', pattern: '^a+$', maxLength: 2, format: 'date' },
    may: ['aaa'],
    unenforced: ['maxLength', 'format'],
  })
  check('of thousands of characters at least or at most are counted no further than llama.cpp counts', {
    schema: { type: 'string', minLength: 3000, maxLength: 5000 },
    may: ['x'.repeat(3000)],
    mayNot: ['x'],
    unenforced: ['minLength', 'maxLength'],
  })
})

describe('numbers', () => {
  check('of any size', {
    schema: { type: 'number' },
    mayWrite: ['0', '-1', '3.25', '1e10', '-2.5E-3', '123456789012345'],
    mayNotWrite: ['01', '.5', '1.', '+1', 'NaN', '--1', '1e999', ''],
  })
  check('that are whole', { schema: { type: 'integer' }, mayWrite: ['0', '-12'], mayNotWrite: ['1.0', '1e3', '-01'] })
  check('between bounds', {
    schema: { type: 'integer', minimum: -13, maximum: 207 },
    may: [-13, -9, -1, 0, 7, 99, 100, 199, 200, 207],
    mayNot: [-14, -20, -100, 208, 210, 1000],
  })
  check('within open bounds', {
    schema: { type: 'integer', exclusiveMinimum: 0, exclusiveMaximum: 10, minimum: -5 },
    may: [1, 9],
    mayNot: [0, 10, -1],
  })
  check('from a bound upwards', {
    schema: { type: 'integer', minimum: 18 },
    may: [18, 99, 100, 987654],
    mayNot: [17, 1, -20],
  })
  check('below a bound', { schema: { type: 'integer', maximum: -5.5 }, may: [-6, -10, -999], mayNot: [-5, 0, 6] })
  check('with fractions between bounds', {
    schema: { type: 'number', minimum: 0, exclusiveMaximum: 2 },
    mayWrite: ['0', '1', '0.5', '1.99'],
    mayNotWrite: ['2', '2.5', '-0.5', '1e1', '10'],
  })
  check('with fractions on both sides of zero', {
    schema: { type: 'number', minimum: -1, maximum: 1 },
    mayWrite: ['-1', '-0.5', '0', '0.25', '1'],
    mayNotWrite: ['-1.5', '1.1', '2'],
  })
  check('between bounds that hold no whole number are any number, and that is said', {
    schema: { type: 'number', minimum: 0.2, maximum: 0.8 },
    may: [5],
    unenforced: ['minimum', 'maximum'],
  })
  check('that are multiples are not enforced, and that is said', {
    schema: {
      anyOf: [
        { type: 'integer', multipleOf: 5 },
        { type: 'integer', multipleOf: 1 },
      ],
    },
    may: [3],
    unenforced: ['multipleOf'],
  })
  check('beyond what is written are not enforced, and that is said', {
    schema: { type: 'integer', minimum: 1e20 },
    may: [5],
    unenforced: ['minimum'],
  })
})

describe('choices', () => {
  check('of values, of any kind', {
    schema: { enum: ['s', 2, null, { a: [1] }] },
    may: ['s', 2, null, { a: [1] }],
    mayNot: ['t', {}, 1],
  })
  check('of values that also have the type', { schema: { type: 'string', enum: ['a', 1] }, may: ['a'], mayNot: [1] })
  check('of types', {
    schema: { type: ['object', 'null', 'integer'], properties: { a: { type: 'string' } } },
    may: [{ a: '' }, {}, null, 3],
    mayNot: ['x', { a: 1 }],
  })
  check('that may be null, as OpenAPI says it', {
    schema: { type: 'string', nullable: true },
    may: ['x', null],
    mayNot: [1],
  })
  check('of schemas', {
    schema: { anyOf: [{ type: 'number' }, { type: 'null' }, { const: 'none' }] },
    may: [1, null, 'none'],
    mayNot: ['x'],
  })
  check('with what holds for all of them', {
    schema: {
      type: 'object',
      properties: { kind: { type: 'string' } },
      required: ['kind'],
      oneOf: [
        { properties: { kind: { const: 'a' }, size: { type: 'integer' } }, required: ['size'] },
        { properties: { kind: { const: 'b' } } },
      ],
    },
    may: [{ kind: 'a', size: 1 }, { kind: 'b' }],
    mayNot: [{ kind: 'a' }, { kind: 'b', size: 1 }, { size: 1 }],
    unenforced: ['oneOf'],
  })
  check('of exactly one are told apart by type, by value or by one property', {
    schema: {
      oneOf: [
        { type: 'object', properties: { kind: { const: 'a' } }, required: ['kind'] },
        { type: 'object', properties: { kind: { enum: ['b', 'c'] } }, required: ['kind'] },
        { type: 'integer' },
        { type: 'string', enum: ['x'] },
        { const: 'y' },
        false,
      ],
    },
    may: [{ kind: 'a' }, { kind: 'c' }, 1, 'x', 'y'],
    mayNot: ['z', { kind: 'd' }],
  })
  check('of exactly one that overlap are not enforced, and that is said', {
    schema: { oneOf: [{ type: 'integer' }, { type: 'number' }] },
    may: [1, 1.5],
    unenforced: ['oneOf'],
  })
})

describe('all of several schemas', () => {
  check('objects have the properties of all', {
    schema: {
      allOf: [
        { type: 'object', properties: { a: { type: 'integer', minimum: 1 } }, required: ['a'] },
        { properties: { a: { maximum: 3 }, b: { type: 'null' } }, required: ['b'] },
      ],
    },
    may: [
      { a: 1, b: null },
      { a: 3, b: null },
    ],
    mayNot: [{ a: 4, b: null }, { a: 0, b: null }, { a: 1 }],
  })
  check('closed objects forbid the properties of others', {
    schema: {
      allOf: [
        { type: 'object', properties: { a: true }, additionalProperties: false },
        { properties: { b: true } },
        { additionalProperties: { type: 'integer' } },
      ],
    },
    may: [{}],
    mayNot: [{ b: 1 }, { a: 'x', b: 1 }],
  })
  check('types, values and lengths narrow each other', {
    schema: {
      allOf: [{ enum: [1, 2, 'x'] }, { enum: [2, 'x', 3] }, { type: ['number', 'string'] }, { type: 'integer' }],
    },
    may: [2],
    mayNot: [1, 'x'],
  })
  check('choices are crossed', {
    schema: {
      allOf: [
        { anyOf: [{ type: 'integer', minimum: 0 }, { type: 'string' }] },
        { anyOf: [{ type: 'integer', maximum: 9 }, { type: 'null' }] },
      ],
    },
    may: [0, 9],
    mayNot: [10, -1, 'x', null],
  })
  check('two patterns are one too many, and that is said', {
    schema: { type: 'string', allOf: [{ pattern: '^a' }, { pattern: 'b$' }] },
    may: ['ax'],
    mayNot: ['xb'],
    unenforced: ['pattern'],
  })
})

describe('references', () => {
  check('lead anywhere in the schema, in the words of all drafts', {
    schema: {
      type: 'object',
      properties: {
        a: { $ref: '#/$defs/word' },
        b: { $ref: '#/definitions/a~1b%20c', description: 'beside' },
        c: { $ref: '#/properties/a', maxLength: 1 },
      },
      required: ['a', 'b', 'c'],
      $defs: { word: { type: 'string', minLength: 1 } },
      definitions: { 'a/b c': { type: 'integer' } },
    },
    may: [{ a: 'xy', b: 1, c: 'z' }],
    mayNot: [
      { a: '', b: 1, c: 'z' },
      { a: 'x', b: 'x', c: 'z' },
      { a: 'x', b: 1, c: 'zz' },
    ],
  })
  check('may lead back: trees and lists', {
    schema: {
      $defs: {
        tree: {
          type: 'object',
          properties: { v: { type: 'integer' }, next: { anyOf: [{ $ref: '#/$defs/tree' }, { type: 'null' }] } },
          required: ['v', 'next'],
        },
      },
      $ref: '#/$defs/tree',
    },
    may: [
      { v: 1, next: null },
      { v: 1, next: { v: 2, next: { v: 3, next: null } } },
    ],
    mayNot: [{ v: 1 }, { v: 1, next: {} }],
  })
  check('may lead back to the whole', {
    schema: { type: 'object', properties: { children: { type: 'array', items: { $ref: '#' } } } },
    may: [{}, { children: [{}, { children: [] }] }],
    mayNot: [{ children: [1] }],
  })
})

test('what no grammar can say is named, each once, wherever it stands', () => {
  const { unenforced } = toSchemaGrammar({
    type: 'object',
    properties: {
      a: { type: 'array', uniqueItems: true, contains: { const: 1 } },
      b: { type: 'array', uniqueItems: true },
      c: { not: { const: 1 } },
      d: JSON.parse('{ "if": {}, "then": {}, "else": {} }'),
      e: { enum: ['x', 'yy'], maxLength: 1 },
    },
    patternProperties: {},
    dependentRequired: {},
  })
  assert.deepEqual(unenforced, [
    'patternProperties',
    'dependentRequired',
    'contains',
    'uniqueItems',
    'not',
    'if',
    'then',
    'else',
    'maxLength',
  ])
})

test('annotations and unknown words are no constraints', () => {
  assert.deepEqual(toSchemaGrammar({ type: 'null', title: 'x', 'x-order': 1, deprecated: true }).unenforced, [])
})

describe('schemas of which no grammar can be made', () => {
  let deep: unknown = { type: 'null' }
  for (let level = 0; level < 500; level += 1) deep = { type: 'array', items: deep }
  const wide = Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`p${index}`, { type: 'null' }]))
  const doubling = Object.fromEntries(
    Array.from({ length: 40 }, (_, index) => [
      `d${index}`,
      { allOf: [{ $ref: `#/$defs/d${index + 1}` }, { $ref: `#/$defs/d${index + 1}` }] },
    ]),
  )
  for (const [what, schema, message] of [
    ['that refer to themselves without end', { $ref: '#' }, /without end/],
    ['that refer to themselves in a choice', { anyOf: [{ $ref: '#' }, { type: 'null' }] }, /without end/],
    [
      'whose references go round',
      { $ref: '#/$defs/a', $defs: { a: { $ref: '#/$defs/b' }, b: { allOf: [{ $ref: '#/$defs/a' }] } } },
      /without end/,
    ],
    [
      'that only endless JSON satisfies',
      { type: 'object', properties: { a: { $ref: '#' } }, required: ['a'] },
      /no finite JSON/,
    ],
    ['that nothing satisfies', { allOf: [{ type: 'string' }, { type: 'null' }] }, /no finite JSON/],
    ['that are false', false, /no finite JSON/],
    ['with bounds that cross', { type: 'string', minLength: 3, maxLength: 2 }, /no finite JSON/],
    ['with lists that cross', { type: 'array', minItems: 3, maxItems: 2 }, /no finite JSON/],
    ['with numbers that cross', { type: 'integer', minimum: 3, maximum: 2 }, /no finite JSON/],
    [
      'with more required than allowed',
      { properties: { a: true }, required: ['a'], maxProperties: 0 },
      /no finite JSON/,
    ],
    ['that refer to elsewhere', { $ref: 'https://example.org/a.json' }, /lies outside/],
    ['that refer to nowhere', { $ref: '#/$defs/none' }, /is not in the schema/],
    ['that refer to what is no schema', { $ref: '#/title', title: 'x' }, /an object, true or false/],
    ['that are too deep', deep, /too large or too deep/],
    ['that are too wide', { type: 'object', properties: wide }, /too large or too deep/],
    [
      'that double again and again',
      { $ref: '#/$defs/d0', $defs: { ...doubling, d40: { type: 'null' } } },
      /too large or too deep/,
    ],
    ['of an unknown type', { type: 'text' }, /is no type/],
    ['of no type', { type: [] }, /names no type/],
    ['whose parts are none', { type: 'object', properties: { a: 7 } }, /an object, true or false/],
    ['with properties that are a list', { properties: [] }, /must be an object/],
    ['with required that is no list', { required: 'a' }, /list of names/],
    ['with choices that are none', { anyOf: {} }, /must be a list/],
    ['without a choice', { oneOf: [] }, /must be a list/],
    ['with values that are no list', { enum: 'a' }, /must be a list/],
    ['with lengths that are none', { type: 'string', minLength: 'x' }, /whole number/],
    ['with bounds that are none', { type: 'number', minimum: null }, /must be a number/],
    ['with a pattern that is none', { type: 'string', pattern: 1 }, /must be text/],
    ['with a reference that is none', { $ref: 7 }, /must be text/],
    ['with allOf of what is none', { allOf: [1] }, /an object, true or false/],
  ] as const) {
    test(what, () => assert.throws(() => toSchemaGrammar(schema), { message }))
  }

  test('whose grammar would be too much for llama.cpp', () => {
    const listed = { enum: Array.from({ length: 400_000 }, (_, index) => `value ${index}`) }
    const long = { enum: ['x'.repeat(600_000)] }
    const properties = Object.fromEntries(
      Array.from({ length: 100 }, (_, index) => [`p${index}`, { type: 'string', maxLength: 1000 }]),
    )
    const names = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`${index} ${'x'.repeat(40)}`, true]))
    assert.throws(() => toSchemaGrammar(listed), { message: /too large/ })
    assert.throws(() => toSchemaGrammar(long), { message: /too large/ })
    assert.throws(() => toSchemaGrammar({ type: 'object', properties }), { message: /counts too far/ })
    assert.throws(() => toSchemaGrammar({ properties: names, additionalProperties: true }), {
      message: /too many rules/,
    })
  })
})

test('random schemas end in a grammar that llama.cpp takes, or in a typed error', () => {
  const words =
    'type properties items anyOf oneOf allOf enum const $ref required minimum maxItems pattern format not'.split(' ')
  const values = ['string', 'object', '#', '#/properties/a', '^a+$', 'date', 1, -1, null, true, false, [], ['a']]
  let state = 7
  const next = (most: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff
    return state % most
  }
  const make = (depth: number): unknown => {
    if (depth === 0 || next(4) === 0) return values[next(values.length)]
    if (next(4) === 0) return Array.from({ length: next(3) }, () => make(depth - 1))
    return Object.fromEntries(
      Array.from({ length: next(4) }, () => [words[next(words.length)] ?? 'a', make(depth - 1)]),
    )
  }
  let made = 0
  for (let count = 0; count < 3000; count += 1) {
    try {
      const { grammar } = toSchemaGrammar(make(4))
      reads(grammar, '{}')
      made += 1
    } catch (error) {
      assert.ok((error as Error).name === 'Error' && !/Cannot|undefined/.test((error as Error).message), String(error))
    }
  }
  assert.ok(made > 100)
})
