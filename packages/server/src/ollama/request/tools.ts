import type { ToolDefinition } from 'lmapp-kit'
import { lenient, nonEmptyString, object, oneOf, type Parser, parser, string } from '../../parse/fields.ts'

const wireTool = lenient(
  { function: lenient({ name: nonEmptyString }, { description: string, parameters: object }) },
  { type: oneOf('function') },
)

export const tool: Parser<ToolDefinition> = parser(wireTool.schema, (value, place) => {
  const { name, description, parameters = { type: 'object', properties: {} } } = wireTool(value, place).function
  return { name, parameters, ...(description !== undefined && { description }) }
})
