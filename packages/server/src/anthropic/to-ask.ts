import { type ChatOptions, LmappError, type ToolChoice, type ToolDefinition } from 'lmapp-kit'
import type { Ask, FieldNames } from '../answer/index.ts'
import type { CountBody, MessagesBody, Tools } from './request.ts'
import { toMessages } from './to-messages.ts'

/** What lmapp's settings are called here. */
export const fieldNames: FieldNames = {
  images: 'messages',
  'options.temperature': 'temperature',
  'options.topP': 'top_p',
  'options.topK': 'top_k',
  'options.maxTokens': 'max_tokens',
  'options.stop': 'stop_sequences',
  tools: 'tools',
  toolChoice: 'tool_choice',
  schema: 'output_config.format',
  reasoning: 'thinking',
}

export interface ReadAsk {
  ask: Ask
  /** What was left out of it, for people. */
  ignored: string[]
}

/** Throws `unsupported` and `bad-input` for what would be another answer without it. */
export function toAsk(body: MessagesBody): ReadAsk {
  assertNothingRuns(body)
  const { messages, ignored } = toMessages(body)
  const { definitions, skipped } = toTools(body.tools ?? [])
  const toolChoice = toToolChoice(body.tool_choice, definitions)
  const schema = toSchema(body)
  const reasoning = toReasoning(body)
  return {
    ask: {
      model: body.model,
      messages,
      options: toOptions(body),
      ...(definitions.length > 0 && { tools: definitions, ...(toolChoice && { toolChoice }) }),
      ...(schema && { schema }),
      ...(reasoning !== undefined && { reasoning }),
    },
    ignored: [...ignored, ...skipped, ...toIgnored(body)],
  }
}

/** Tools that a client defines; what they are called that are left out. */
export function toTools(tools: Tools): { definitions: ToolDefinition[]; skipped: string[] } {
  const definitions: ToolDefinition[] = []
  const skipped: string[] = []
  for (const [index, tool] of tools.entries()) {
    if (tool.kind === 'provider') {
      skipped.push(`"tools[${index}]" was left out: nothing here runs or knows "${tool.type}".`)
      continue
    }
    const { name, description, input_schema: parameters } = tool
    definitions.push({ name, parameters, ...(description !== undefined && { description }) })
    const left = [
      tool.strict === true && 'strict',
      tool.defer_loading === true && 'defer_loading',
      tool.input_examples !== undefined && 'input_examples',
    ].filter((field) => typeof field === 'string')
    if (left.length > 0) skipped.push(`Of "tools[${index}]" was left out: ${left.join(', ')}.`)
  }
  return { definitions, skipped }
}

function toOptions({ max_tokens, temperature, top_p, top_k, stop_sequences }: MessagesBody): ChatOptions {
  return {
    maxTokens: max_tokens,
    ...(temperature !== undefined && { temperature }),
    ...(top_p !== undefined && { topP: top_p }),
    ...(top_k !== undefined && { topK: top_k }),
    ...(stop_sequences && stop_sequences.length > 0 && { stop: stop_sequences }),
  }
}

function toToolChoice(choice: CountBody['tool_choice'], tools: readonly ToolDefinition[]): ToolChoice | undefined {
  switch (choice?.type) {
    case undefined:
      return undefined
    case 'auto':
    case 'none':
      return choice.type
    case 'any':
      if (tools.length > 0) return 'required'
      throw refusal('tool_choice', '"tool_choice" asks for a call, and there is no tool that can be called.')
    case 'tool':
      if (tools.some(({ name }) => name === choice.name)) return { name: choice.name }
      throw refusal('tool_choice.name', `"tool_choice.name" is "${choice.name}", which is no tool that can be called.`)
    default:
      return choice satisfies never
  }
}

function toSchema({ output_config, output_format, messages }: MessagesBody): Ask['schema'] {
  const format = output_config?.format ?? output_format
  if (format && messages.at(-1)?.role === 'assistant') {
    throw refusal('output_config.format', 'An answer under a schema cannot go on from the words of the last message.')
  }
  return format?.schema
}

/** How much it thinks, where that is said; else whether it does. */
function toReasoning({ thinking, output_config }: MessagesBody): Ask['reasoning'] {
  if (!thinking) return undefined
  if (thinking.type === 'disabled') return false
  const effort = output_config?.effort
  return effort === 'xhigh' || effort === 'max' ? 'high' : (effort ?? true)
}

function assertNothingRuns({ container, mcp_servers }: MessagesBody): void {
  if (container !== undefined) throw refusal('container', '"container" asks for code to be run: nothing is run here.')
  if (mcp_servers && mcp_servers.length > 0) {
    throw refusal('mcp_servers', '"mcp_servers" asks for tools to be run: nothing is run here.')
  }
}

function refusal(field: string, message: string): LmappError {
  return new LmappError('unsupported', message, { hint: 'Leave it out', details: { field } })
}

/** Known fields that are of no weight here, and those that nobody knows. */
function toIgnored(body: MessagesBody): string[] {
  const { thinking, tool_choice, output_config } = body
  const left = [
    body.metadata !== undefined && 'metadata',
    body.service_tier !== undefined && 'service_tier',
    body.context_management !== undefined && 'context_management',
    thinking?.type === 'enabled' && thinking.budget_tokens !== undefined && 'thinking.budget_tokens',
    thinking && 'display' in thinking && thinking.display === 'omitted' && 'thinking.display',
    tool_choice &&
      'disable_parallel_tool_use' in tool_choice &&
      tool_choice.disable_parallel_tool_use === true &&
      'tool_choice.disable_parallel_tool_use',
    (!thinking || thinking.type === 'disabled') && output_config?.effort !== undefined && 'output_config.effort',
    ...body.unknown,
  ].filter((field) => typeof field === 'string')
  return left.length === 0 ? [] : [`Not used here, and left out: ${left.map((name) => name.slice(0, 100)).join(', ')}.`]
}
