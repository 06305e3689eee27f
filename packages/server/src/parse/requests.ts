import type { CreateEmbedding, PullModel } from 'lmapp-client'
import { isLmappError, isTooDeep, LmappError } from 'lmapp-kit'
import { badField, boolean, integer, listOf, nonEmptyString, object, type Parser, record, string } from './fields.ts'

/** The smaller bodies, queries and headers of the API. All throw `bad-input` that names the field. */

export const pullModel: Parser<PullModel> = record({ model: nonEmptyString }, { offline: boolean })

export const createEmbedding: Parser<CreateEmbedding> = record(
  { input: listOf(string) },
  { model: nonEmptyString, offline: boolean },
)

/** A whole number of the query; undefined when it is not there. */
export function queryInteger(query: URLSearchParams, name: string, least: number): number | undefined {
  const text = query.get(name)
  if (text === null) return undefined
  return integer(least)(/^-?\d+$/.test(text) ? Number(text) : text, name)
}

/** A text of the query that must be there. */
export function queryText(query: URLSearchParams, name: string): string {
  return nonEmptyString(query.get(name) ?? '', name)
}

const maxEnvironmentBytes = 64 * 1024
const environmentHeader = 'x-lmapp-environment'

/** The header `x-lmapp-environment`: base64 of a JSON object of strings. */
export function parseEnvironment(header: string | string[] | undefined): Record<string, string> {
  if (header === undefined) return {}
  if (typeof header !== 'string' || !/^[A-Za-z0-9+/]*={0,2}$/.test(header)) throw badField(environmentHeader, 'base64')
  const bytes = Buffer.from(header, 'base64')
  if (bytes.length > maxEnvironmentBytes) throw badField(environmentHeader, `at most ${maxEnvironmentBytes} bytes`)
  const result: Record<string, string> = {}
  for (const [name, value] of Object.entries(object(parseJson(bytes, environmentHeader), environmentHeader))) {
    result[name] = string(value, `${environmentHeader}.${name}`)
  }
  return result
}

/** Bytes that came from outside: UTF-8 without fault, and JSON. */
export function parseJson(bytes: Buffer, place: string): unknown {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    if (isTooDeep(text)) throw badField(place, 'nested less deeply')
    return JSON.parse(text)
  } catch (cause) {
    if (isLmappError(cause)) throw cause
    throw new LmappError('bad-input', `"${place}" must be JSON in UTF-8.`, {
      hint: 'Correct the request',
      details: { field: place },
      cause,
    })
  }
}
