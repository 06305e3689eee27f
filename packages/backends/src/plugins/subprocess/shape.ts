import { LmappError } from 'lmapp-kit'
import { isFields } from '../../json/fields.ts'

/** Looks at a value that a plugin sent; undefined when nothing is wrong. */
export type Shape = (value: unknown) => Wrong | undefined

export interface Wrong {
  /** Below the value, as `models[2].id`; empty for itself. */
  path: string
  /** What stands there; where nothing does, what it is missing from. */
  value: unknown
}

export type Members = Readonly<Record<string, Shape>>

export const text = toShape((value) => typeof value === 'string')
export const filledText = toShape((value) => typeof value === 'string' && value !== '')
export const truth = toShape((value) => typeof value === 'boolean')
export const count = toShape((value) => Number.isSafeInteger(value) && Number(value) >= 0)
export const anyObject = toShape(isFields)

export function numberIn(least: number, most: number): Shape {
  return toShape((value) => typeof value === 'number' && value >= least && value <= most)
}

export const amount = numberIn(0, Number.POSITIVE_INFINITY)

export function oneOf(values: readonly string[]): Shape {
  return toShape((value) => values.some((known) => known === value))
}

export function optional(shape: Shape): Shape {
  return (value) => (value === undefined ? undefined : shape(value))
}

/** Members that are not named may be anything. */
export function objectOf(members: Members): Shape {
  const entries = Object.entries(members)
  return (value) => {
    if (!isFields(value)) return { path: '', value }
    for (const [name, shape] of entries) {
      const wrong = shape(ownMember(value, name))
      if (wrong) return { path: joinPath(name, wrong.path), value: wrong.value === undefined ? value : wrong.value }
    }
    return undefined
  }
}

export function listOf(shape: Shape): Shape {
  return (value) => {
    if (!Array.isArray(value)) return { path: '', value }
    for (const [index, item] of value.entries()) {
      const wrong = shape(item)
      if (wrong) return { path: joinPath(`[${index}]`, wrong.path), value: wrong.value }
    }
    return undefined
  }
}

/** The value without the members that are wrong. */
export function keepRight(value: Record<string, unknown>, members: Members): Record<string, unknown> {
  const isRight = ([name, item]: [string, unknown]) => !ownShape(members, name)?.(item)
  return Object.fromEntries(Object.entries(value).filter(isRight))
}

/** `context`: what it was in, such as the method. */
export function violation(message: string, wrong: Wrong, context: Record<string, unknown> = {}): LmappError {
  return new LmappError('protocol-violation', message, { details: { ...context, ...toDetails(wrong) } })
}

/** For an error: where it is, and how the value there begins. */
export function toDetails({ path, value }: Wrong): { path: string; received: string | undefined } {
  return { path, received: JSON.stringify(value)?.slice(0, shownCharacters) }
}

export function joinPath(name: string, path: string): string {
  return path === '' || path.startsWith('[') ? `${name}${path}` : `${name}.${path}`
}

const shownCharacters = 200

function toShape(isRight: (value: unknown) => boolean): Shape {
  return (value) => (isRight(value) ? undefined : { path: '', value })
}

function ownMember(value: Record<string, unknown>, name: string): unknown {
  return Object.hasOwn(value, name) ? value[name] : undefined
}

function ownShape(members: Members, name: string): Shape | undefined {
  return Object.hasOwn(members, name) ? members[name] : undefined
}
