import { LmappError } from '../errors/lmapp-error.ts'
import type { RequestId } from './messages.ts'

/** What a line is, by its members; unknown members are ignored. */
export type Incoming =
  | { kind: 'request'; id: RequestId; method: string; params: unknown }
  | { kind: 'notification'; method: string; params: unknown }
  | { kind: 'result'; id: RequestId; result: unknown }
  | { kind: 'error'; id: RequestId | null; error: unknown }

/** So deep may objects and lists stand in each other: writing and copying a value costs stack for each level. */
export const maxNesting = 500

/** Throws `stream-malformed` for a line that is no message, or is nested too deeply. */
export function parseMessage(line: string): Incoming {
  const message = parseObject(line)
  const { id, method } = message
  if (typeof method === 'string') {
    if (id === undefined) return { kind: 'notification', method, params: message.params }
    if (isRequestId(id)) return { kind: 'request', id, method, params: message.params }
  } else if (isRequestId(id) && 'result' in message) {
    return { kind: 'result', id, result: message.result }
  } else if ((isRequestId(id) || id === null) && 'error' in message) {
    return { kind: 'error', id, error: message.error }
  }
  throw malformed(line, 'A line is neither a request nor a notification nor a response.')
}

export function isRequestId(value: unknown): value is RequestId {
  return typeof value === 'number' || typeof value === 'string'
}

function parseObject(line: string): Record<string, unknown> {
  if (isTooDeep(line)) throw malformed(line, `A line is nested deeper than ${maxNesting} levels.`)
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch (cause) {
    throw malformed(line, 'A line is no JSON.', cause)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed(line, 'A line is no object.')
  return value as Record<string, unknown>
}

/** Of what is no JSON it may say either. */
export function isTooDeep(json: string): boolean {
  const mayBe = isMoreThan(json, '{', maxNesting / 2) || isMoreThan(json, '[', maxNesting / 2)
  return mayBe && depthOf(json) > maxNesting
}

/** Quick for what is usual: a line with few brackets needs no further look. */
function isMoreThan(text: string, character: string, most: number): boolean {
  let count = 0
  for (let at = text.indexOf(character); at !== -1 && count <= most; at = text.indexOf(character, at + 1)) count++
  return count > most
}

function depthOf(json: string): number {
  let depth = 0
  let deepest = 0
  for (let at = 0; at < json.length; at++) {
    const found = json.charCodeAt(at)
    if (found === quote) at = endOfString(json, at + 1)
    // A square bracket, or 0x20 more: a curly one.
    else if ((found | 0x20) === openCurly) {
      deepest = Math.max(deepest, ++depth)
      if (deepest > maxNesting) return deepest
    } else if ((found | 0x20) === closeCurly) depth--
  }
  return deepest
}

const quote = 0x22
const openCurly = 0x7b
const closeCurly = 0x7d

/** Where its closing quotation mark is. */
function endOfString(json: string, from: number): number {
  for (let at = json.indexOf('"', from); at !== -1; at = json.indexOf('"', at + 1)) {
    let before = at
    while (json[before - 1] === '\\') before--
    if ((at - before) % 2 === 0) return at
  }
  return json.length
}

const shownCharacters = 200

function malformed(line: string, message: string, cause?: unknown): LmappError {
  return new LmappError('stream-malformed', message, { details: { line: line.slice(0, shownCharacters) }, cause })
}
