import type { JsonSchema } from '../parse/fields.ts'

/** The same numbers for the same seed. */
export interface Random {
  /** From 0 to below `limit`, whole. */
  below(limit: number): number
  oneOf<T>(items: readonly T[]): T
}

export function createRandom(seed: number): Random {
  let state = seed >>> 0
  const below = (limit: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * limit)
  }
  return { below, oneOf: (items) => items[below(items.length)] as (typeof items)[number] }
}

/** The keywords that our schemas have. */
interface Known {
  type?: string | string[]
  const?: unknown
  enum?: unknown[]
  anyOf?: JsonSchema[]
  properties?: Record<string, JsonSchema>
  required?: string[]
  items?: JsonSchema
  minItems?: number
  maxItems?: number
  maxProperties?: number
  minimum?: number
  maximum?: number
  minLength?: number
  maxLength?: number
  pattern?: string
  additionalProperties?: JsonSchema | boolean
}

const deepest = 8

/** A value that a schema describes; rarely one that it does not, where its keywords are more than are looked at here. */
export function toValue(schema: JsonSchema, random: Random, depth = 0): unknown {
  const known = schema as Known
  if ('const' in known) return known.const
  if (known.enum) return random.oneOf(known.enum)
  if (known.anyOf && !known.properties)
    return toValue({ ...withoutAnyOf(schema), ...random.oneOf(known.anyOf) }, random, depth)
  const type = Array.isArray(known.type) ? random.oneOf(known.type) : (known.type ?? typeOf(known))
  switch (type) {
    case 'string':
      return toText(known, random)
    case 'integer':
    case 'number':
      return toNumber(known, type, random)
    case 'boolean':
      return random.below(2) === 0
    case 'null':
      return null
    case 'array':
      return toList(known, random, depth)
    case 'object':
      return toObject(known, random, depth)
    default:
      return random.oneOf<unknown>([null, 'x', 7, { a: [1] }, []])
  }
}

/** The value with one or some of its places made strange, taken away, doubled or added to. */
export function spoil(value: unknown, random: Random): unknown {
  let spoiled = value
  for (let times = 1 + random.below(3); times > 0; times--) spoiled = spoilOnce(spoiled, random)
  return spoiled
}

function withoutAnyOf({ anyOf: _, ...rest }: JsonSchema): JsonSchema {
  return rest
}

function typeOf({ properties, items }: Known): string | undefined {
  if (properties) return 'object'
  return items ? 'array' : undefined
}

const samples: readonly [RegExp, readonly string[]][] = [
  [/\^data:/, ['data:image/png;base64,AAAA', 'data:text/plain;base64,aGk=', 'data:image/png,AAAA', 'data:']],
  [/A-Za-z0-9\+\//, ['aGk=', 'iVBORw0KGgo=', '/9j/AAAA', 'A', '====']],
  [/ns\|us/, ['5m', '-1h', '0', '1h30m', '.5s']],
  [/\\d\{4\}/, ['2026-01-31T12:00:00.000Z', '2026-01-31', '2026-99-99', '9999-12-31T23:59:59-12:00']],
  [/a-z0-9-/, ['editor', 'a', '0-0', 'x'.repeat(64)]],
]
const words = ['x', 'auto', 'user', 'box/echo', 'ä𝄞', ' ', 'function', 'text', 'a-1', '\u0000', 'sha256:ab', '7']

function toText({ pattern, minLength = 0, maxLength = Number.POSITIVE_INFINITY }: Known, random: Random): string {
  if (maxLength === 0) return ''
  const fitting = pattern === undefined ? undefined : samples.find(([known]) => known.test(pattern))
  if (fitting) return random.oneOf(fitting[1])
  const text = random.oneOf(['', ...words])
  return text.length < minLength ? random.oneOf(words) : text.slice(0, maxLength)
}

function toNumber({ minimum = -1000, maximum = 1000 }: Known, type: string, random: Random): number {
  const [least, most] = [Math.max(minimum, -1e6), Math.min(maximum, Math.max(1e6, minimum))]
  if (random.below(4) === 0) return random.oneOf([least, most])
  const number = least + (random.below(1000) / 1000) * Math.min(most - least, 100)
  return type === 'integer' ? Math.round(number) : number
}

function toList({ items = {}, minItems = 0, maxItems = 3 }: Known, random: Random, depth: number): unknown[] {
  const most = depth > deepest ? minItems : Math.max(minItems, Math.min(maxItems, 3))
  const length = minItems + random.below(most - minItems + 1)
  return Array.from({ length }, () => toValue(items, random, depth + 1))
}

function toObject(known: Known, random: Random, depth: number): Record<string, unknown> {
  const { properties = {}, required = [], additionalProperties, maxProperties = 2, anyOf } = known
  const own = anyOf ? (random.oneOf(anyOf) as Known) : {}
  const needed = new Set([...required, ...(own.required ?? [])])
  const names = Object.keys(properties).filter(
    (name) => needed.has(name) || (depth <= deepest && random.below(6) === 0),
  )
  const entries = names.map((name) => [
    name,
    toValue({ ...properties[name], ...own.properties?.[name] }, random, depth + 1),
  ])
  if (typeof additionalProperties === 'object' && maxProperties > 0) {
    entries.push([random.oneOf(words), toValue(additionalProperties, random, depth + 1)])
  }
  return Object.fromEntries(entries)
}

const strange: readonly unknown[] = [
  ...[null, true, false, 0, -1, 1.5, 1e308, 2 ** 53, '', 'x', '0', ' ', '\ud800', 'User', 'data:,', '2026-13-45'],
  ...[
    [],
    {},
    [null],
    [[]],
    ['x'],
    [1],
    { type: 'text' },
    { type: null },
    { type: 'x' },
    { role: 'user' },
    { a: { a: [{}] } },
  ],
  ...[{ constructor: 1 }, { toString: 1 }, { length: 9 }, JSON.parse('{"__proto__":{"type":"text"}}')],
]

function spoilOnce(value: unknown, random: Random): unknown {
  if (random.below(6) === 0) return random.oneOf(strange)
  if (Array.isArray(value)) return spoilList(value, random)
  if (typeof value === 'object' && value !== null) return spoilObject(value as Record<string, unknown>, random)
  return random.below(3) === 0 ? [value] : random.oneOf(strange)
}

function spoilList(list: readonly unknown[], random: Random): unknown[] {
  const at = random.below(list.length + 1)
  if (at === list.length) return [...list, random.oneOf(strange)]
  const changed = [[], [list[at], list[at]], [spoilOnce(list[at], random)], [spoilOnce(list[at], random)]]
  return list.toSpliced(at, 1, ...random.oneOf(changed))
}

function spoilObject(object: Record<string, unknown>, random: Random): Record<string, unknown> {
  const names = Object.keys(object)
  const name = names.length > 0 ? random.oneOf(names) : undefined
  if (name === undefined || random.below(8) === 0) {
    return { ...object, [random.oneOf(['type', 'role', 'content', 'text', 'name', 'extra'])]: random.oneOf(strange) }
  }
  const { [name]: item, ...others } = object
  if (random.below(5) === 0) return others
  if (random.below(8) === 0) return { ...others, [`${name}s`]: item }
  return { ...others, [name]: spoilOnce(item, random) }
}
