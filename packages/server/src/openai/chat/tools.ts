import type { ToolChoice, ToolDefinition } from 'lmapp-kit'
import {
  badField,
  boolean,
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

export interface ReadTools {
  tools: ToolDefinition[]
  /** What was left out of them, for people. */
  ignored: string[]
}

const definition = lenient({ name: nonEmptyString }, { description: string, parameters: object, strict: boolean })
const functionTool = tagged('type', { function: lenient({ function: definition }, {}) })
const otherTool = {
  type: 'object',
  required: ['type'],
  properties: { type: { type: 'string', not: { const: 'function' } } },
  description: 'Ignored: only functions can be called here.',
}

/** Tools that are not functions are left out, and so is the wish for strictness: engines bind arguments as they can. */
export const tools: Parser<ReadTools> = parser(
  { type: 'array', items: { anyOf: [functionTool.schema, otherTool] } },
  (value, place) => {
    const read: ReadTools = { tools: [], ignored: [] }
    let isStrict = false
    for (const [index, item] of listOf(object)(value, place).entries()) {
      const here = `${place}[${index}]`
      if (string(item.type, `${here}.type`) !== 'function') {
        read.ignored.push(`"${here}" is ignored: only functions can be called here.`)
        continue
      }
      const { name, description, parameters, strict } = functionTool(item, here).function
      isStrict ||= strict ?? false
      read.tools.push({
        name,
        ...(description !== undefined && { description }),
        parameters: parameters ?? noParameters,
      })
    }
    if (isStrict) read.ignored.push(`"${place}[].function.strict" is ignored: it is up to the engine.`)
    return read
  },
)

const noParameters = { type: 'object', properties: {} }

const word = oneOf('auto', 'none', 'required')
const namedFunction = tagged('type', { function: lenient({ function: lenient({ name: nonEmptyString }, {}) }, {}) })

export const toolChoice: Parser<ToolChoice> = parser({ anyOf: [word.schema, namedFunction.schema] }, (value, place) => {
  if (typeof value === 'string') return word(value, place)
  const { type } = object(value, place)
  if (type === 'custom' || type === 'allowed_tools') {
    throw unsupportedField(place, 'a choice is auto, none, required or one function')
  }
  return { name: namedFunction(value, place).function.name }
})

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
