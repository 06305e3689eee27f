import { LmappError } from 'lmapp-kit'
import { type JsonSchema, type Parser, parser, unknownFields } from './fields.ts'

/** Fields that are known and change nothing here, and why; `unless`: with this value nothing is left out. */
export type LeftOut = Readonly<Record<string, { why: string; unless?: (value: unknown) => boolean }>>

/** Reads a body as before, and keeps what is to be told of the fields that were left out. */
export function notingLeftOut<T extends object>(shape: Parser<T>, leftOut: LeftOut): Parser<T & { ignored: string[] }> {
  return parser(shape.schema, (value, place) => {
    const body = shape(value, place)
    return { ...body, ignored: [...tellLeftOut(body, leftOut), ...unknownFields(shape, value).map(tellUnknown)] }
  })
}

/** A field that may say only what holds anyway. Throws `unsupported` for everything else. */
export function only(schema: JsonSchema, holds: (value: unknown) => boolean, why: string): Parser<unknown> {
  return parser(schema, (value, place) => {
    if (!holds(value)) throw unsupportedField(place, why)
    return value
  })
}

/** Something that cannot be left out, since the answer would be another than the one asked for. */
export function unsupportedField(place: string, why: string): LmappError {
  return new LmappError('unsupported', `"${place}" is not supported: ${why}.`, {
    hint: 'Leave it out, or change it',
    details: { field: place },
  })
}

function tellLeftOut(body: object, leftOut: LeftOut): string[] {
  return Object.entries(body).flatMap(([name, value]) => {
    const field = leftOut[name]
    return field && !field.unless?.(value) ? [`"${name}" is ignored: ${field.why}.`] : []
  })
}

const longestName = 40

function tellUnknown(name: string): string {
  return `"${name.slice(0, longestName)}" is not known here and is ignored.`
}
