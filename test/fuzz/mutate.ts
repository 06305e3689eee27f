import type { Random } from '../soak/random.ts'
import { toNested, toOddValue } from './json-grammar.ts'

/** The text with some pieces cut, doubled, moved, or replaced by what means something to a reader. */
export function mutateText(random: Random, text: string): string {
  let mutated = text
  for (let count = 1 + random.below(4); count > 0; count--) {
    const from = random.below(mutated.length + 1)
    const to = Math.min(mutated.length, from + random.below(random.oneOf([2, 10, 200])))
    const piece = mutated.slice(from, to)
    const replaced = random.oneOf([
      '',
      piece + piece,
      random.oneOf(tokens),
      String.fromCharCode(random.below(256)),
      [...piece].reverse().join(''),
    ])
    mutated = random.below(12) === 0 ? mutated.slice(0, from) : mutated.slice(0, from) + replaced + mutated.slice(to)
  }
  return mutated
}

/** The value with some members removed, renamed, doubled, wrapped or replaced. */
export function mutateValue(random: Random, value: unknown): unknown {
  let mutated = structuredClone(value)
  for (let count = 1 + random.below(3); count > 0; count--) mutated = mutateOnce(random, mutated)
  return mutated
}

/** As text, where now and then something is nested deeper than a value could be. */
export function mutateJson(random: Random, value: unknown): string {
  const json = JSON.stringify(mutateValue(random, value))
  if (random.below(20) > 0) return json
  const places = [...json.matchAll(/"[^"\\]*"(?!:)|\d+/g)]
  const place = places.length > 0 ? random.oneOf(places) : undefined
  const nested = toNested(random, random.oneOf([99, 101, 499, 501, 6000, 100_000]))
  return place ? json.slice(0, place.index) + nested + json.slice(place.index + place[0].length) : nested
}

const tokens = [
  '"',
  '\\',
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  'null',
  '1e999',
  '\n',
  '\r\n',
  '\0',
  '\u00ff',
  '\u00ef\u00bb\u00bf',
  '-',
  '"id":',
  '//',
]

function mutateOnce(random: Random, value: unknown): unknown {
  if (Array.isArray(value) && value.length > 0 && random.below(4) > 0) return mutateList(random, value)
  if (typeof value === 'object' && value !== null && !Array.isArray(value) && random.below(8) > 0) {
    return mutateObject(random, value as Record<string, unknown>)
  }
  if (typeof value === 'number' && random.below(2) === 0) return value + random.oneOf([1, -1, 0.5, 1e9])
  if (typeof value === 'string' && random.below(3) === 0) return mutateText(random, value)
  return random.oneOf([() => toOddValue(random), () => [value], () => ({ a: value })])()
}

function mutateList(random: Random, list: readonly unknown[]): unknown[] {
  const at = random.below(list.length)
  const item = list[at]
  const others = list.toSpliced(at, 1)
  return random.oneOf([
    () => others,
    () => list.toSpliced(at, 0, item),
    () => random.shuffled(list),
    () => list.toSpliced(at, 1, mutateOnce(random, item)),
    () => list.toSpliced(at, 1, mutateOnce(random, item)),
  ])()
}

function mutateObject(random: Random, object: Record<string, unknown>): Record<string, unknown> {
  const entries = Object.entries(object)
  if (entries.length === 0) return { [random.oneOf(['a', 'id', 'type'])]: toOddValue(random) }
  const at = random.below(entries.length)
  const [name, item] = entries[at] ?? ['', undefined]
  const changed = (change: [string, unknown][]) => Object.fromEntries(entries.toSpliced(at, 1, ...change))
  return random.oneOf([
    () => changed([]),
    () => changed([[random.oneOf([...Object.keys(object), 'x', '__proto__', 'type']), item]]),
    () => changed([[name, mutateOnce(random, item)]]),
    () => changed([[name, mutateOnce(random, item)]]),
    () => changed([[name, mutateOnce(random, item)]]),
    () => changed([[name, toOddValue(random)]]),
  ])()
}
