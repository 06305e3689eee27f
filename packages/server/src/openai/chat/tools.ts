import type { ToolChoice, ToolDefinition } from 'lmapp-kit'
import { lenient, nonEmptyString, object, type Parser, parser, tagged } from '../../parse/fields.ts'
import { unsupportedField } from '../../parse/left-out.ts'
import { choiceWord, functionFields, functionList } from '../functions.ts'

export interface ReadTools {
  tools: ToolDefinition[]
  /** What was left out of them, for people. */
  ignored: string[]
}

const functionTool = tagged('type', { function: lenient({ function: functionFields }, {}) })
const list = functionList({
  tool: parser(functionTool.schema, (value, place) => functionTool(value, place).function),
  strict: 'function.strict',
  tellOther: (place) => `"${place}" is ignored: only functions can be called here.`,
})

export const tools: Parser<ReadTools> = parser(list.schema, (value, place) => {
  const { functions, ignored } = list(value, place)
  return { tools: functions.map(({ definition }) => definition), ignored }
})

const namedFunction = tagged('type', { function: lenient({ function: lenient({ name: nonEmptyString }, {}) }, {}) })
const choiceSchema = { anyOf: [choiceWord.schema, namedFunction.schema] }

export const toolChoice: Parser<ToolChoice> = parser(choiceSchema, (value, place) => {
  if (typeof value === 'string') return choiceWord(value, place)
  const { type } = object(value, place)
  if (type === 'custom' || type === 'allowed_tools') {
    throw unsupportedField(place, 'a choice is auto, none, required or one function')
  }
  return { name: namedFunction(value, place).function.name }
})
