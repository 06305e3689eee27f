import { arePairwiseDisjoint } from './disjoint.ts'
import { choice, createRules, nothing, type Piece, printGrammar, type Rules, text } from './grammar.ts'
import { createJsonPieces } from './json-pieces.ts'
import { inexpressible } from './keywords.ts'
import { annotations, isSchema, mergeSchemas, type Schema } from './merge-schemas.ts'
import { createReferences } from './references.ts'
import { SchemaError } from './schema-error.ts'
import { walkTyped } from './typed-pieces.ts'
import { type Place, tooLarge, type Walk, type WalkerTools } from './walker.ts'

export interface SchemaGrammar {
  /** In llama.cpp's language; its rule `root` is the whole answer. */
  grammar: string
  /** Keywords that the grammar does not enforce, in the order they were met. */
  unenforced: string[]
}

/** More levels are no schema of a person; nor are more parts, or a longer grammar. */
const deepest = 64
const mostParts = 5000
const longestGrammar = 500_000

/**
 * Every text of the grammar is JSON of the schema, but for the keywords in `unenforced`. Some valid JSON cannot be
 * written: properties come in the order of the schema, numbers have at most 15 digits, and an object that names its
 * properties has no others unless `additionalProperties` asks for them.
 * Throws a `SchemaError`.
 */
export function toSchemaGrammar(schema: unknown): SchemaGrammar {
  const rules = createRules()
  const unenforced = new Set<string>()
  const walker = createWalker(schema, rules, (keyword) => unenforced.add(keyword))
  const grammar = printGrammar(walker(schema, root), rules)
  if (grammar === undefined) throw new SchemaError('', 'no finite JSON satisfies it')
  if (grammar.length > longestGrammar) throw tooLarge(root)
  return { grammar, unenforced: [...unenforced] }
}

const root: Place = { path: '', depth: 0, via: new Set() }

function createWalker(document: unknown, rules: Rules, ignore: (keyword: string) => void): Walk {
  const json = createJsonPieces(rules)
  const references = createReferences(document)
  /** Each part of the document is one rule, so that it may lead back to itself. */
  const known = new Map<Schema, Piece>()
  const tools: WalkerTools = { rules, json, walk, ignore }
  let parts = 0

  function walk(schema: unknown, place: Place): Piece {
    if (schema === true) return json.value
    if (schema === false) return nothing
    const entered = enter(schema, place)
    const before = known.get(entered.schema)
    if (before) return before
    const { name, piece } = rules.reserve()
    known.set(entered.schema, piece)
    rules.define(name, walkEntered(entered.schema, entered.place))
    return piece
  }

  function walkEntered(schema: Schema, place: Place): Piece {
    const reference = onlyReference(schema)
    if (reference !== undefined) return walk(references.resolve(reference, place.path), { ...place, path: reference })
    const flat = flatten(schema, place)
    return flat === false ? nothing : walkFlat(flat, place)
  }

  function enter(schema: unknown, place: Place): { schema: Schema; place: Place } {
    if (!isSchema(schema)) throw new SchemaError(place.path, 'a schema is an object, true or false')
    if (place.via.has(schema)) throw new SchemaError(place.path, 'it refers to itself without end')
    parts += 1
    if (parts > mostParts || place.depth > deepest) throw tooLarge(place)
    return { schema, place: { ...place, depth: place.depth + 1, via: new Set([...place.via, schema]) } }
  }

  /** Without `allOf` and `$ref`. */
  function flatten({ $ref, allOf = [], ...own }: Schema, place: Place): Schema | false {
    const referred = typeof $ref === 'string' ? [references.resolve($ref, place.path)] : []
    if ($ref !== undefined && referred.length === 0) throw new SchemaError(`${place.path}/$ref`, 'it must be text')
    let merged: Schema | false = own
    for (const part of [...referred, ...toList(allOf, place, 'allOf')]) {
      const next = flattenPart(part, place)
      merged = merged && next && mergeSchemas(merged, next, { onConflict: ignore })
    }
    return merged
  }

  function flattenPart(part: unknown, place: Place): Schema | false {
    if (typeof part === 'boolean') return part && {}
    const entered = enter(part, place)
    return flatten(entered.schema, entered.place)
  }

  function walkFlat(schema: Schema, place: Place): Piece {
    for (const keyword of Object.keys(schema)) if (inexpressible.has(keyword)) ignore(keyword)
    const { nullable, ...rest } = schema
    const piece = walkChoices(rest, place)
    return nullable === true ? choice(piece, text('null')) : piece
  }

  function walkChoices({ anyOf, oneOf, ...own }: Schema, place: Place): Piece {
    const keyword = anyOf === undefined ? 'oneOf' : 'anyOf'
    const choices = anyOf ?? oneOf
    if (choices === undefined) return walkTyped(own, place, tools)
    const members = toList(choices, place, keyword)
    if (oneOf !== undefined && (anyOf !== undefined || !arePairwiseDisjoint(members))) ignore('oneOf')
    const isBare = Object.keys(own).every((name) => annotations.has(name))
    return choice(
      ...members.map((member, index) => {
        const at = { ...place, path: `${place.path}/${keyword}/${index}` }
        return walk(isBare ? member : { allOf: [own, member] }, at)
      }),
    )
  }

  return walk
}

function onlyReference(schema: Schema): string | undefined {
  const { $ref } = schema
  if (typeof $ref !== 'string') return undefined
  return Object.keys(schema).every((name) => name === '$ref' || annotations.has(name)) ? $ref : undefined
}

function toList(value: unknown, place: Place, keyword: string): readonly unknown[] {
  if (Array.isArray(value) && (value.length > 0 || keyword === 'allOf')) return value
  throw new SchemaError(`${place.path}/${keyword}`, 'it must be a list')
}
