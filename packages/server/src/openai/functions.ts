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
  type Read,
  string,
} from '../parse/fields.ts'

/** A function as requests give it; some wrap it once more. */
export const functionFields = lenient(
  { name: nonEmptyString },
  { description: string, parameters: described('JSON Schema of the arguments.', object), strict: boolean },
)
export type FunctionFields = Read<typeof functionFields>

export interface ReadFunction {
  definition: ToolDefinition
  /** As it was wished for. */
  strict?: boolean
}

export interface ReadFunctions {
  functions: ReadFunction[]
  /** What was left out of the list, for people. */
  ignored: string[]
}

/** How an API writes a tool that is a function, and what it says of others. */
export interface ToolForm {
  tool: Parser<FunctionFields>
  /** The place of the wish for strictness within a tool. */
  strict: string
  tellOther(place: string, type: string): string
}

/**
 * A list of tools. Those that are not functions are left out, and so is the wish for strictness: engines bind arguments
 * as they can.
 */
export function functionList({ tool, strict: strictPlace, tellOther }: ToolForm): Parser<ReadFunctions> {
  return parser({ type: 'array', items: { anyOf: [tool.schema, otherTool] } }, (value, place) => {
    const read: ReadFunctions = { functions: [], ignored: [] }
    for (const [index, item] of listOf(object)(value, place).entries()) {
      const here = `${place}[${index}]`
      const type = string(item.type, `${here}.type`)
      if (type === 'function') read.functions.push(toFunction(tool(item, here)))
      else read.ignored.push(tellOther(here, type))
    }
    const isStrict = read.functions.some(({ strict }) => strict)
    if (isStrict) read.ignored.push(`"${place}[].${strictPlace}" is ignored: it is up to the engine.`)
    return read
  })
}

const otherTool = {
  type: 'object',
  required: ['type'],
  properties: { type: { type: 'string', not: { const: 'function' } } },
  description: 'Left out: only functions can be called here.',
}

function toFunction({ name, description, parameters = noParameters, strict }: FunctionFields): ReadFunction {
  return {
    definition: { name, ...(description !== undefined && { description }), parameters },
    ...(strict !== undefined && { strict }),
  }
}

const noParameters = { type: 'object', properties: {} }

/** A choice that names no function. */
export const choiceWord = oneOf('auto', 'none', 'required')

/** The choice where it changes anything. Throws `bad-input` for one that nothing can satisfy. */
export function checkChoice(choice: ToolChoice | undefined, given: readonly ToolDefinition[]): ToolChoice | undefined {
  if (choice === undefined || choice === 'auto') return undefined
  if (choice === 'none') return given.length > 0 ? choice : undefined
  if (given.length === 0) throw badField('tool_choice', 'none or auto where there are no functions to call')
  if (typeof choice === 'object' && !given.some(({ name }) => name === choice.name)) {
    throw badField('tool_choice', 'the name of a function in "tools"')
  }
  return choice
}
