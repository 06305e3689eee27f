import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { isLmappError } from 'lmapp-kit'
import { readSchema } from './schema-option.ts'
import { parseShortSchema } from './short-schema.ts'

const folder = mkdtempSync(join(tmpdir(), 'lmapp-schema-'))
after(() => rmSync(folder, { recursive: true }))

const fieldsOf = (text: string) => {
  const { properties, required } = parseShortSchema(text) as { properties: object; required: string[] }
  return { properties: JSON.parse(JSON.stringify(properties)), required }
}

describe('the short form of a schema', () => {
  it('is an object whose fields are texts unless they say otherwise, all required', () => {
    assert.deepEqual(fieldsOf('name, age int, tags[]'), {
      properties: {
        name: { type: 'string' },
        age: { type: 'integer' },
        tags: { type: 'array', items: { type: 'string' } },
      },
      required: ['name', 'age', 'tags'],
    })
    assert.equal(parseShortSchema('a').additionalProperties, false)
  })

  it('knows optional fields, lists, choices, objects in objects and descriptions', () => {
    assert.deepEqual(fieldsOf('nick?, scores float[], size small|large: of the shirt, home {street, zip int}[]'), {
      properties: {
        nick: { type: 'string' },
        scores: { type: 'array', items: { type: 'number' } },
        size: { enum: ['small', 'large'], description: 'of the shirt' },
        home: {
          type: 'array',
          items: {
            type: 'object',
            properties: { street: { type: 'string' }, zip: { type: 'integer' } },
            required: ['street', 'zip'],
            additionalProperties: false,
          },
        },
      },
      required: ['scores', 'size', 'home'],
    })
  })

  it('takes names of any script, and none of JavaScript’s own by accident', () => {
    assert.deepEqual(fieldsOf('имя, __proto__ int').required, ['имя', '__proto__'])
  })

  it('says at which character it is wrong', () => {
    const wrong = ['', 'a,', 'a b c', 'a whatever', 'a {b', 'a, a', 'a x|', '1a', 'a]', `${'a {'.repeat(40)}b`, 'a }']
    for (const text of wrong) {
      assert.throws(
        () => parseShortSchema(text),
        (error) => {
          assert.ok(isLmappError(error, 'bad-input'), text)
          assert.match(error.message, /at character \d+/)
          return true
        },
      )
    }
  })
})

describe('--schema', () => {
  it('takes a file, a schema as it stands, or the short form', async () => {
    writeFileSync(join(folder, 'person.json'), '\ufeff{"type":"object"}')
    assert.deepEqual(await readSchema('person.json', folder), { type: 'object' })
    assert.deepEqual(await readSchema(join(folder, 'person.json'), '/'), { type: 'object' })
    assert.deepEqual(await readSchema(' {"type":"array"}', folder), { type: 'array' })
    assert.deepEqual((await readSchema('name', folder)).required, ['name'])
  })

  it('refuses what is none, and says how it should look', async () => {
    writeFileSync(join(folder, 'list.json'), '[]')
    writeFileSync(join(folder, 'bytes.json'), Buffer.from([0xff, 0xfe, 0x00]))
    for (const value of ['none.json', '{"a"', 'list.json', 'bytes.json', './']) {
      await assert.rejects(readSchema(value, folder), (error) => isLmappError(error, 'bad-input'), value)
    }
  })
})
