import type { JsonSchema } from '../parse/fields.ts'
import { escapeHtml, toWords } from './html.ts'

/** Those keywords of a schema that tell people something. */
interface Told {
  type?: string | string[]
  const?: unknown
  enum?: readonly unknown[]
  anyOf?: readonly JsonSchema[]
  properties?: Readonly<Record<string, JsonSchema>>
  required?: readonly string[]
  items?: JsonSchema
  contentSchema?: JsonSchema
  description?: string
  minimum?: number
  maximum?: number
  $ref?: string
}

/** As deep as anybody reads; the document has the rest. */
const deepest = 6

/** The members of an object, each with what it means; those of members in turn are folded away. */
export function toShape(schema: JsonSchema, depth = 0): string {
  const { properties, items, anyOf = [], contentSchema, $ref } = schema as Told
  if (depth > deepest) return ''
  if ($ref !== undefined) return `<p><i>${escapeHtml($ref.split('/').at(-1) ?? '')}</i></p>`
  if (properties) return toMembers(schema, depth)
  const inner = [items, contentSchema, ...anyOf].filter((each) => each !== undefined)
  return inner.map((each) => toShape(each, depth)).join('')
}

/** In a word or some. */
export function toType(schema: JsonSchema): string {
  const { type, enum: values, anyOf, items, contentSchema, minimum, maximum } = schema as Told
  if ('const' in schema) return escapeHtml(JSON.stringify(schema.const))
  if (values) return values.map((value) => escapeHtml(JSON.stringify(value))).join(' | ')
  if (type === 'array' && items) return `list of ${toType(items)}`
  if (contentSchema) return 'JSON in a string'
  if (anyOf && type === undefined) return [...new Set(anyOf.map(toType))].join(' or ')
  return escapeHtml(`${[type ?? 'anything'].flat().join(' or ')}${toRange(minimum, maximum)}`)
}

function toMembers(schema: JsonSchema, depth: number): string {
  const { properties = {}, required = [] } = schema as Told
  const rows = Object.entries(properties).map(([name, member]) => {
    const must = required.includes(name) ? ', required' : ''
    const shape = toShape(member, depth + 1)
    const folded = shape === '' ? '' : `<details><summary><i>its members</i></summary>${shape}</details>`
    const words = toWords(wordsOf(member))
    return `<li><code>${escapeHtml(name)}</code> <i>${toType(member)}${must}</i> ${words} ${folded}</li>`
  })
  return `<ul>${rows.join('')}</ul>`
}

/** Of a member that may be null too, those of what it is otherwise. */
function wordsOf(schema: JsonSchema): string {
  const { description = '', anyOf = [] } = schema as Told
  const [first, second] = anyOf as readonly Told[]
  return description || (second?.type === 'null' ? (first?.description ?? '') : '')
}

function toRange(least = Number.NEGATIVE_INFINITY, most = Number.POSITIVE_INFINITY): string {
  const isTold = (bound: number) => Math.abs(bound) < Number.MAX_SAFE_INTEGER
  if (isTold(least) && isTold(most)) return ` from ${least} to ${most}`
  if (isTold(least)) return ` of at least ${least}`
  return isTold(most) ? ` of at most ${most}` : ''
}
