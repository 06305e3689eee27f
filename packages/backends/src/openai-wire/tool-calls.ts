import { randomUUID } from 'node:crypto'
import { LmappError, type ToolCall } from 'lmapp-kit'
import { type Fields, toFields, toOptionalText } from '../json/fields.ts'

/** Puts the calls of a stream together: they come in fragments, whole, with and without index and id. */
export interface ToolCallAssembly {
  /** Takes one item of `tool_calls`. Throws `stream-malformed` when all of it grows beyond measure. */
  add(fragment: unknown): void
  readonly size: number
  /** The calls so far, in order. */
  calls(): ToolCall[]
}

interface Pending {
  index: number | undefined
  id: string | undefined
  name: string | undefined
  pieces: string[]
}

/** Characters of all arguments together; a sender that never ends must not fill the memory. */
const longestArguments = 8 * 1024 * 1024
/** What a fragment counts at least. */
const lengthOfFragment = 64

export function createToolCallAssembly(engine: string): ToolCallAssembly {
  const pending: Pending[] = []
  let length = 0

  return {
    add(fragment) {
      const fields = toFields(fragment)
      const called = toFields(fields.function)
      const piece = toArgumentText(called.arguments)
      length += lengthOfFragment + piece.length
      if (length > longestArguments) {
        throw new LmappError('stream-malformed', `The tool calls of ${engine} have no end.`)
      }
      const call = callOf(pending, fields, toOptionalText(called.name))
      call.id ??= toOptionalText(fields.id)
      call.name ??= toOptionalText(called.name)
      call.pieces.push(piece)
    },
    get size() {
      return pending.length
    },
    calls: () =>
      pending.map(({ id, name, pieces }) => ({
        type: 'tool-call',
        id: id ?? `call_${randomUUID().slice(0, 8)}`,
        name: name ?? '',
        arguments: pieces.join('') || '{}',
      })),
  }
}

/**
 * The call that a fragment belongs to. Some gateways give every call the index 0, and another id; some give no index;
 * some repeat id and name with each fragment.
 */
function callOf(pending: Pending[], fields: Fields, name: string | undefined): Pending {
  const index = typeof fields.index === 'number' ? fields.index : undefined
  const id = toOptionalText(fields.id)
  const last = pending.findLast((call) => index === undefined || call.index === index)
  const isOther = id !== undefined && last?.id !== undefined && last.id !== id
  const isNext = index === undefined && id === undefined && name !== undefined && last?.name !== undefined
  const known = isOther ? pending.find((call) => call.id === id && call.index === index) : isNext ? undefined : last
  if (known) return known
  const call: Pending = { index, id: undefined, name: undefined, pieces: [] }
  pending.push(call)
  return call
}

/** Whole calls of some servers carry an object. */
function toArgumentText(value: unknown): string {
  if (typeof value === 'string') return value
  if (value === undefined || value === null) return ''
  try {
    return JSON.stringify(value)
  } catch (cause) {
    throw new LmappError('stream-malformed', 'The arguments of a tool call are nested too deeply.', { cause })
  }
}
