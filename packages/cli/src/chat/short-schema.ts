import { LmappError } from 'lmapp-kit'

type Schema = Record<string, unknown>

/**
 * The short form of a schema, an object with these fields, all of them required unless a `?` follows the name:
 *
 *     fields = field { "," field }
 *     field  = name [ "?" ] [ "[]" ] [ type ] [ ":" description ]
 *     type   = "text" | "int" | "float" | "bool" | choice { "|" choice } | "{" fields "}", each may be followed by "[]"
 *
 * `name, age int, tags[], size small|large, address {street, zip int}: where to send it`. Throws `bad-input` with the place.
 */
export function parseShortSchema(text: string): Schema {
  const reader = createReader(text)
  const schema = readObject(reader)
  if (!reader.atEnd()) throw reader.unexpected('a comma or the end')
  return schema
}

const typeNames: Record<string, Schema> = {
  text: { type: 'string' },
  str: { type: 'string' },
  string: { type: 'string' },
  int: { type: 'integer' },
  integer: { type: 'integer' },
  float: { type: 'number' },
  number: { type: 'number' },
  bool: { type: 'boolean' },
  boolean: { type: 'boolean' },
}

function readObject(reader: Reader): Schema {
  const properties: Schema = Object.create(null)
  const required: string[] = []
  do {
    const { name, optional, schema } = readField(reader)
    if (Object.hasOwn(properties, name)) throw reader.fail(`"${name}" stands there twice`)
    properties[name] = schema
    if (!optional) required.push(name)
  } while (reader.take(','))
  return { type: 'object', properties, required, additionalProperties: false }
}

function readField(reader: Reader): { name: string; optional: boolean; schema: Schema } {
  const name = reader.word()
  if (name === undefined) throw reader.unexpected('the name of a field')
  const optional = reader.take('?')
  const isList = reader.take('[]')
  const type = readType(reader)
  const lists = [isList, reader.take('[]')].filter(Boolean).length
  const schema = Array.from({ length: lists }).reduce<Schema>((items) => ({ type: 'array', items }), type)
  const description = reader.take(':') ? reader.description() : ''
  return { name, optional, schema: description === '' ? schema : { ...schema, description } }
}

function readType(reader: Reader): Schema {
  if (reader.take('{')) return reader.nested(() => readObject(reader))
  const first = reader.word()
  if (first === undefined) return { type: 'string' }
  const choices = [first]
  while (reader.take('|')) {
    const choice = reader.word()
    if (choice === undefined) throw reader.unexpected('another choice')
    choices.push(choice)
  }
  if (choices.length > 1) return { enum: choices }
  const known = Object.hasOwn(typeNames, first) ? typeNames[first] : undefined
  if (known) return { ...known }
  throw reader.fail(`"${first}" is no type; known are text, int, float, bool, a|b and { … }`)
}

type Reader = ReturnType<typeof createReader>

const deepest = 32

function createReader(text: string) {
  let position = 0
  let depth = 0

  const skipSpace = () => {
    while (/\s/.test(text.charAt(position))) position += 1
  }
  const fail = (what: string) =>
    new LmappError('bad-input', `The short schema is wrong at character ${position + 1}: ${what}.`, {
      hint: 'As: --schema "name, age int, tags[]"',
      details: { position },
    })

  return {
    fail,
    unexpected(wanted: string) {
      const found = position < text.length ? `"${text.charAt(position)}"` : 'the end'
      return fail(`${wanted} must stand here, not ${found}`)
    },
    atEnd() {
      skipSpace()
      return position >= text.length
    },
    take(sign: string): boolean {
      skipSpace()
      if (!text.startsWith(sign, position)) return false
      position += sign.length
      return true
    },
    word(): string | undefined {
      skipSpace()
      const [found] = /^[\p{L}_$][\p{L}\p{M}\p{N}_$-]*/u.exec(text.slice(position)) ?? []
      position += found?.length ?? 0
      return found
    },
    /** Up to the comma or the bracket that ends the field. */
    description(): string {
      const [found = ''] = /^[^,{}]*/.exec(text.slice(position)) ?? []
      position += found.length
      return found.trim()
    },
    nested<Result>(read: () => Result): Result {
      if (depth >= deepest) throw fail('it is nested too deeply')
      depth += 1
      const result = read()
      if (!this.take('}')) throw this.unexpected('"}"')
      depth -= 1
      return result
    },
  }
}
