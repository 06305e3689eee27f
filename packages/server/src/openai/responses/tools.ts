import type { ToolChoice, ToolDefinition } from 'lmapp-kit'
import {
  badField,
  boolean,
  described,
  lenient,
  listOf,
  nonEmptyString,
  object,
  oneOf,
  type Parser,
  parser,
  string,
  tagged,
} from '../../parse/fields.ts'
import { unsupportedField } from '../../parse/left-out.ts'
import { checkChoice } from '../chat/tools.ts'

export interface ReadTools {
  definitions: ToolDefinition[]
  /** As they are shown again. */
  wire: object[]
  /** What was left out of them, for people. */
  ignored: string[]
}

const functionTool = tagged('type', {
  function: lenient(
    { name: nonEmptyString },
    {
      description: string,
      parameters: described('JSON Schema of the arguments.', object),
      strict: boolean,
    },
  ),
})
const otherTool = {
  type: 'object',
  required: ['type'],
  properties: { type: { type: 'string', not: { const: 'function' } } },
  description: 'Left out: only functions can be called here.',
}

/** Tools that are not functions are left out, and so is the wish for strictness: engines bind arguments as they can. */
export const tools: Parser<ReadTools> = parser(
  { type: 'array', items: { anyOf: [functionTool.schema, otherTool] } },
  (value, place) => {
    const read: ReadTools = { definitions: [], wire: [], ignored: [] }
    let isStrict = false
    for (const [index, item] of listOf(object)(value, place).entries()) {
      const here = `${place}[${index}]`
      const type = string(item.type, `${here}.type`)
      if (type !== 'function') {
        read.ignored.push(`"${here}" is left out: nothing here runs "${type.slice(0, 40)}".`)
        continue
      }
      const { name, description, parameters = noParameters, strict } = functionTool(item, here)
      isStrict ||= strict ?? false
      const told = { name, ...(description !== undefined && { description }), parameters }
      read.definitions.push(told)
      read.wire.push({ type, ...told, strict: strict ?? null })
    }
    if (isStrict) read.ignored.push(`"${place}[].strict" is ignored: it is up to the engine.`)
    return read
  },
)

const noParameters = { type: 'object', properties: {} }

const word = oneOf('auto', 'none', 'required')
const choices = tagged('type', {
  function: lenient({ name: nonEmptyString }, {}),
  allowed_tools: lenient({ mode: oneOf('auto', 'required'), tools: listOf(lenient({}, { name: string })) }, {}),
})

export interface ReadChoice {
  choice: ToolChoice
  /** Names of the functions that may be called; absent: all of them. */
  allowed?: string[]
  /** As it is shown again. */
  wire: unknown
}

export const toolChoice: Parser<ReadChoice> = parser({ anyOf: [word.schema, choices.schema] }, (value, place) => {
  if (typeof value === 'string') {
    const choice = word(value, place)
    return { choice, wire: choice }
  }
  const { type } = object(value, place)
  if (typeof type === 'string' && type !== 'function' && type !== 'allowed_tools') {
    throw unsupportedField(place, 'a choice is auto, none, required, one function, or allowed_tools')
  }
  const read = choices(value, place)
  if (read.type === 'function') return { choice: { name: read.name }, wire: { type: read.type, name: read.name } }
  const allowed = read.tools.flatMap(({ name }) => (name === undefined ? [] : [name]))
  const shown = allowed.map((name) => ({ type: 'function', name }))
  return { choice: read.mode, allowed, wire: { type: read.type, mode: read.mode, tools: shown } }
})

/** What may be called, and whether it must. Throws `bad-input` for a choice that nothing can satisfy. */
export function toToolUse(
  { definitions }: Pick<ReadTools, 'definitions'>,
  read: ReadChoice | undefined,
): { tools?: ToolDefinition[]; toolChoice?: ToolChoice } {
  const allowed = read?.allowed ? definitions.filter(({ name }) => read.allowed?.includes(name)) : definitions
  if (read?.allowed && allowed.length === 0) throw badField('tool_choice.tools', 'functions that "tools" has')
  const choice = checkChoice(read?.choice, allowed)
  return { ...(allowed.length > 0 && { tools: allowed }), ...(choice !== undefined && { toolChoice: choice }) }
}
