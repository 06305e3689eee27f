import * as z from 'zod'
import type {
  FileContent,
  ImageContent,
  Message,
  ReasoningContent,
  Role,
  TextContent,
  ToolCallContent,
  ToolResultContent,
} from '../content.ts'
import { members } from './members.ts'

export const role = z.enum(['system', 'user', 'assistant', 'tool']) satisfies z.ZodType<Role>

export const textContent = members<TextContent>()({
  type: z.literal('text'),
  text: z.string(),
}) satisfies z.ZodType<TextContent>

export const reasoningContent = members<ReasoningContent>()({
  type: z.literal('reasoning'),
  text: z.string(),
}) satisfies z.ZodType<ReasoningContent>

export const imageContent = members<ImageContent>()({
  type: z.literal('image'),
  mediaType: z.string().describe('As `image/png`.'),
  data: z.string().describe("Base64 of the file's bytes."),
}) satisfies z.ZodType<ImageContent>

export const fileContent = members<FileContent>()({
  type: z.literal('file'),
  name: z.string(),
  mediaType: z.string(),
  text: z.string(),
}) satisfies z.ZodType<FileContent>

export const toolCallContent = members<ToolCallContent>()({
  type: z.literal('tool-call'),
  id: z.string(),
  name: z.string(),
  arguments: z.string().describe('Raw text as the model wrote it: normally JSON, not necessarily valid.'),
}) satisfies z.ZodType<ToolCallContent>

export const toolResultContent = members<ToolResultContent>()({
  type: z.literal('tool-result'),
  id: z.string().describe('The `id` of the call that this answers.'),
  name: z.string(),
  text: z.string(),
  isError: z.exactOptional(z.boolean()),
}) satisfies z.ZodType<ToolResultContent>

export const content = z.discriminatedUnion('type', [
  textContent,
  reasoningContent,
  imageContent,
  fileContent,
  toolCallContent,
  toolResultContent,
])

export const message = members<Message>()({
  role,
  content: z.array(content),
}) satisfies z.ZodType<Message>
