import type { Random } from '../soak/random.ts'

/** JSON as the grammar allows it, and as nobody writes it: any space, any escape, names twice, names with a meaning. */
export function toJsonText(random: Random, depth = 0): string {
  const kind = random.below(depth > 5 ? 4 : 7)
  if (kind < 2) return toText(random)
  if (kind < 4) return random.oneOf(scalars)
  const open = random.oneOf(['[', '{'])
  const items = Array.from({ length: random.below(5) }, () => {
    const value = `${toSpace(random)}${toJsonText(random, depth + 1)}${toSpace(random)}`
    return open === '[' ? value : `${toSpace(random)}${toName(random)}${toSpace(random)}:${value}`
  })
  return `${open}${items.join(',') || toSpace(random)}${open === '[' ? ']' : '}'}`
}

/** So many levels, in few characters of the generator. */
export function toNested(random: Random, levels: number): string {
  const [open, close] = random.oneOf([
    ['[', ']'],
    ['{"a":', '}'],
    ['[\n', ']'],
    ['[{"":', '}]'],
  ] as const)
  return `${open.repeat(levels)}1${random.below(4) === 0 ? '' : close.repeat(levels)}`
}

/** Values that a careless reader stumbles over. */
export function toOddValue(random: Random): unknown {
  const odd = random.below(oddValues.length + 2)
  if (odd === oddValues.length) return 'x'.repeat(random.below(3000))
  if (odd === oddValues.length + 1) return toDeepValue(random.below(600))
  return oddValues[odd]
}

function toDeepValue(levels: number): unknown {
  let value: unknown = 0
  for (let level = 0; level < levels; level++) value = level % 2 === 0 ? [value] : { a: value }
  return value
}

const scalars = [
  ...['0', '-0', '1', '-1', '0.5', '1e3', '1E+2', '-2.5e-3', '1e999', '123456789012345678901234567890'],
  ...['true', 'false', 'null'],
]

const oddValues: readonly unknown[] = [
  ...[null, true, false, 0, -1, 0.5, 1e308, 2 ** 53, -(2 ** 31), '', 'x', '0', 'yes', '\0', '\ud800', '\uFEFF'],
  ...[
    [],
    {},
    ['yes'],
    [null],
    [[]],
    { toString: 1 },
    { toString: null, valueOf: null },
    { length: 1e9 },
    JSON.parse('{"then":1}'),
  ],
  ...[JSON.parse('{"__proto__":{"type":"finish"}}'), { constructor: 1 }, { type: 'text-delta' }, '<nonce>'],
]

const names = ['a', 'b', '', '__proto__', 'constructor', 'a.b', '0', '10', 'toString', 'name', 'ä', '\\u0061', '\\"']

function toName(random: Random): string {
  return `"${random.oneOf(names)}"`
}

function toText(random: Random): string {
  return `"${Array.from({ length: random.below(6) }, () => random.oneOf(pieces)).join('')}"`
}

const pieces = [
  'a',
  'b c',
  'ä',
  '€',
  '𝄞',
  '\\n',
  '\\"',
  '\\\\',
  '\\/',
  '\\u0000',
  '\\ud800',
  '\\uD834\\uDD1E',
  '\u2028',
  '{',
  ']',
  ',',
  ':',
]

function toSpace(random: Random): string {
  return random.below(3) === 0 ? random.oneOf([' ', '\n', '\t', '\r\n', '  ']) : ''
}
