import { choice, nothing, optional, type Piece, type Rules, repeat, sequence, text } from './grammar.ts'
import { colon, comma, type JsonPieces, listOf, quote } from './json-pieces.ts'
import { isSchema, type Schema } from './merge-schemas.ts'
import { SchemaError } from './schema-error.ts'
import { type Place, toCount, type WalkerTools, within } from './walker.ts'

interface Member {
  piece: Piece
  required: boolean
}

/** What stands between the braces: the named properties in their order, then the additional ones. */
export function objectMembers(schema: Schema, place: Place, tools: WalkerTools): Piece {
  const properties = toProperties(schema, place)
  const additional = toAdditional(schema)
  const required = requiredNames(schema, place)
  const members = [...properties].flatMap(([name, property]): Member[] => {
    if (property === false && !required.has(name)) return []
    const value = tools.walk(property, within(place, name))
    const key = text(JSON.stringify(name))
    return [{ piece: tools.rules.add(sequence(key, colon, value)), required: required.has(name) }]
  })
  for (const name of required) {
    if (properties.has(name)) continue
    const value = tools.walk(additional ?? true, within(place, name))
    members.push({ piece: tools.rules.add(sequence(text(JSON.stringify(name)), colon, value)), required: true })
  }
  const extra =
    additional === undefined || additional === false
      ? nothing
      : toExtra(additional, [...properties.keys(), ...required], within(place, 'additionalProperties'), tools)
  return countMembers(schema, members, extra, place, tools)
}

function toProperties(schema: Schema, place: Place): Map<string, unknown> {
  const { properties } = schema
  if (properties !== undefined && !isSchema(properties))
    throw new SchemaError(`${place.path}/properties`, 'it must be an object')
  return new Map(Object.entries(properties ?? {}))
}

function requiredNames(schema: Schema, place: Place): ReadonlySet<string> {
  const { required = [] } = schema
  // A boolean is how the third draft said it, within the property; it says nothing here.
  if (typeof required === 'boolean') return new Set()
  if (!Array.isArray(required) || required.some((name) => typeof name !== 'string')) {
    throw new SchemaError(`${place.path}/required`, 'it must be a list of names')
  }
  return new Set(required)
}

/** A schema without properties means any object; one with them means these, or a small model would never end. */
function toAdditional(schema: Schema): unknown {
  const rule = schema.additionalProperties ?? (schema.unevaluatedProperties === true ? true : undefined)
  if (rule !== undefined) return rule
  return schema.properties === undefined && schema.required === undefined ? true : undefined
}

function toExtra(
  additional: unknown,
  taken: readonly string[],
  place: Place,
  { rules, json, walk }: WalkerTools,
): Piece {
  const key = taken.length === 0 ? json.string : sequence(quote, otherNames(taken, json, rules), quote)
  return rules.add(sequence(key, colon, walk(additional, place)))
}

/** Enough optional members become required, or are left out, to have as many as the schema wants. */
function countMembers(schema: Schema, members: Member[], extra: Piece, place: Place, tools: WalkerTools): Piece {
  const least = toCount(schema, 'minProperties', place) ?? 0
  const most = toCount(schema, 'maxProperties', place)
  let missing = least - members.filter((member) => member.required).length
  const wanted = members.map((member) => (member.required || missing-- > 0 ? { ...member, required: true } : member))
  const always = wanted.filter((member) => member.required).length
  if (most !== undefined && always > most) return nothing
  const left = missing > 0 ? missing : 0
  const kept = most === undefined ? wanted : dropOptional(wanted, most)
  const room = most === undefined ? undefined : Math.max(0, most - kept.length)
  return inOrder(kept, (started) => extraMembers(extra, left, room, started), tools.rules)
}

function dropOptional(members: readonly Member[], most: number): Member[] {
  let surplus = members.length - most
  return members
    .toReversed()
    .filter((member) => member.required || surplus-- <= 0)
    .toReversed()
}

function extraMembers(extra: Piece, least: number, most: number | undefined, started: boolean): Piece {
  if (extra === nothing) return least > 0 ? nothing : text('')
  return started ? repeat(sequence(comma, extra), least, most) : listOf(extra, least, most)
}

/** Each stage is a rule of its own, so that many optional members stay few rules. */
function inOrder(members: readonly Member[], end: (started: boolean) => Piece, rules: Rules): Piece {
  let [fresh, started] = [end(false), end(true)]
  for (const { piece, required } of members.toReversed()) {
    const taken = { fresh: sequence(piece, started), started: sequence(comma, piece, started) }
    const skipped = { fresh, started }
    fresh = rules.add(required ? taken.fresh : choice(taken.fresh, skipped.fresh))
    started = rules.add(required ? taken.started : choice(taken.started, skipped.started))
  }
  return fresh
}

interface Branch {
  /** Whether a name ends here, or goes on beyond what is looked at. */
  end: 'no' | 'yes' | 'cut'
  next: Map<string, Branch>
}

const longestName = 64

/** Texts within quotes that are none of these names. */
function otherNames(names: readonly string[], json: JsonPieces, rules: Rules): Piece {
  const tree: Branch = { end: 'no', next: new Map() }
  for (const name of names) {
    const characters = [...name]
    let branch = tree
    for (const character of characters.slice(0, longestName)) {
      const next: Branch = branch.next.get(character) ?? { end: 'no', next: new Map() }
      branch.next.set(character, next)
      branch = next
    }
    if (branch.end !== 'cut') branch.end = characters.length > longestName ? 'cut' : 'yes'
  }
  return otherThan(tree, repeat(json.character, 0), rules)
}

function otherThan(branch: Branch, anything: Piece, rules: Rules): Piece {
  if (branch.end === 'cut') return nothing
  const known = [...branch.next]
  const other = sequence(charactersBut(known.map(([character]) => character)), anything)
  const along = known.map(([character, next]) => {
    const written = plainly(character)
    return written ? sequence(written, rules.add(otherThan(next, anything, rules))) : nothing
  })
  const rest = choice(other, ...along)
  return branch.end === 'yes' ? rest : optional(rest)
}

/** Characters that need no escape, but these. Others are left out: a name could be spelled with them in another way. */
function charactersBut(excluded: readonly string[]): Piece {
  const codes = [0x22, 0x5c, ...excluded.map((character) => character.codePointAt(0) ?? 0)].toSorted((a, b) => a - b)
  const ranges: [number, number][] = []
  let next = 0x20
  for (const code of [...codes, 0xd800]) {
    if (code > next) ranges.push([next, code - 1])
    next = Math.max(next, code + 1)
    if (code === 0xd800) break
  }
  return { kind: 'set', ranges: ranges.filter(([from, to]) => from <= to) }
}

function plainly(character: string): Piece | undefined {
  const code = character.codePointAt(0) ?? 0
  return code >= 0x20 && character !== '"' && character !== '\\' ? text(character) : undefined
}
