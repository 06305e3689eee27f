import * as z from 'zod'
import type { ChatOptions, ChatRequest, ToolChoice, ToolDefinition } from '../chat-request.ts'
import { message } from './content.ts'
import { anyObject, jsonSchema, members } from './members.ts'

export const toolDefinition = members<ToolDefinition>()({
  name: z.string().min(1),
  description: z.exactOptional(z.string()),
  parameters: jsonSchema.describe('JSON Schema of the arguments.'),
}) satisfies z.ZodType<ToolDefinition>

export const toolChoice = z.union([
  z.enum(['auto', 'none', 'required']),
  z.looseObject({ name: z.string() }),
]) satisfies z.ZodType<ToolChoice>

export const chatOptions = members<ChatOptions>()({
  temperature: z.exactOptional(z.number().min(0)),
  topP: z.exactOptional(z.number().min(0).max(1)),
  topK: z.exactOptional(z.int().min(0)),
  minP: z.exactOptional(z.number().min(0).max(1)),
  repeatPenalty: z.exactOptional(z.number().min(0)),
  presencePenalty: z.exactOptional(z.number()),
  frequencyPenalty: z.exactOptional(z.number()),
  seed: z.exactOptional(z.int()),
  maxTokens: z
    .exactOptional(z.int().min(1))
    .describe('Upper bound of generated tokens. The answer then ends with `length`.'),
  stop: z
    .exactOptional(z.array(z.string().min(1)))
    .describe('The answer ends before the first of these. They are not part of the answer.'),
  logprobs: z
    .exactOptional(z.int().min(0).max(20))
    .describe(
      'Log probabilities come with each text delta, and with each token so many of those that were likeliest there.',
    ),
  contextLength: z.exactOptional(z.int().min(1)).describe('Context to use, in tokens: prompt and answer together.'),
}) satisfies z.ZodType<ChatOptions>

export const reasoningChoice = z.union([z.boolean(), z.enum(['low', 'medium', 'high'])])

export const chatRequest = members<ChatRequest>()({
  model: z.string().min(1).describe("A name from `list_models`, without the backend's id."),
  messages: z.array(message),
  continue: z
    .exactOptional(z.boolean())
    .describe(
      "The last message is an assistant's and unfinished: go on exactly where it ends, yield only what is new.",
    ),
  tools: z.exactOptional(z.array(toolDefinition)),
  toolChoice: z.exactOptional(toolChoice),
  schema: z.exactOptional(jsonSchema).describe('JSON Schema that the answer must satisfy.'),
  reasoning: z
    .exactOptional(reasoningChoice)
    .describe('`false` asks a reasoning model not to; absent leaves it to the model.'),
  options: z.exactOptional(chatOptions),
  vendor: z.exactOptional(anyObject).describe("Opaque to lmapp; the backend's own documentation says what it knows."),
}) satisfies z.ZodType<ChatRequest>
