import * as z from 'zod'

type Shape<T> = {
  [K in keyof T]-?: object extends Pick<T, K> ? z.ZodExactOptional<z.ZodType<Required<T>[K]>> : z.ZodType<T[K]>
}

type NoOthers<S, T> = { [K in Exclude<keyof S, keyof T>]: never }

/**
 * A schema with exactly the members of `T`; a member that nobody knows is let through. It does not compile when one is
 * missing, too many, of another type, or required here and optional there.
 */
export function members<T>() {
  return <S extends Shape<T>>(shape: S & NoOthers<S, T>) => z.looseObject<S>(shape)
}

/** One of these, as of today; a newer side may know more, which count as `fallback`. */
export function open<const Values extends readonly [string, ...string[]]>(values: Values, fallback: Values[number]) {
  const newer = z.string().transform((): Values[number] => fallback)
  return z.union([z.enum(values), newer]).describe(`A value that is not known counts as \`${fallback}\`.`)
}

export const anyObject = z.record(z.string(), z.unknown())

export const jsonSchema = anyObject.describe('A JSON Schema.')

export const count = z.int().min(0)
