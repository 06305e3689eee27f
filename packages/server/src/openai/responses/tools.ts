import type { ToolChoice, ToolDefinition } from 'lmapp-kit'
import {
  badField,
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
import { checkChoice, choiceWord, functionFields, functionList } from '../functions.ts'

export interface ReadTools {
  definitions: ToolDefinition[]
  /** As they are shown again. */
  wire: object[]
  /** What was left out of them, for people. */
  ignored: string[]
}

const functionTool = tagged('type', { function: functionFields })
const list = functionList({
  tool: functionTool,
  strict: 'strict',
  tellOther: (place, type) => `"${place}" is left out: nothing here runs "${type.slice(0, 40)}".`,
})

export const tools: Parser<ReadTools> = parser(list.schema, (value, place) => {
  const { functions, ignored } = list(value, place)
  return {
    definitions: functions.map(({ definition }) => definition),
    wire: functions.map(({ definition, strict = null }) => ({ type: 'function', ...definition, strict })),
    ignored,
  }
})

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

export const toolChoice: Parser<ReadChoice> = parser({ anyOf: [choiceWord.schema, choices.schema] }, (value, place) => {
  if (typeof value === 'string') {
    const choice = choiceWord(value, place)
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
