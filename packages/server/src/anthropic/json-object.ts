import { badField, object, type Parser, parser } from '../parse/fields.ts'

const deepest = 200

/** Any object that can be written as JSON again: one that is nested without end would break whoever walks through it. */
export const jsonObject: Parser<Record<string, unknown>> = parser(object.schema, (value, place) => {
  const read = object(value, place)
  if (isDeeper(read, deepest)) throw badField(place, `an object that is nested at most ${deepest} deep`)
  return read
})

function isDeeper(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return depth === 0 || Object.values(value).some((item) => isDeeper(item, depth - 1))
}
