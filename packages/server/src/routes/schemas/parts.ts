import {
  type Content,
  type ErrorData,
  errorTable,
  type FileContent,
  type FinishReason,
  type ImageContent,
  type Progress,
  type ReasoningContent,
  type RunEnd,
  type TextContent,
  type ToolCallContent,
  type ToolResultContent,
  type Usage,
} from 'lmapp-kit'
import type { JsonSchema } from '../../parse/fields.ts'
import { anyObject, anyOf, closed, count, described, flag, milliseconds, only, text, words } from './shape.ts'

/** What answers and stored messages are made of. */

export const errorData = closed<ErrorData>(
  { code: described('As in specs/errors.md.', words(...Object.keys(errorTable))), message: text },
  { hint: described('What to do about it.', text), details: anyObject },
)

export const finishReason = words<FinishReason>('stop', 'length', 'tool-calls', 'content-filter', 'cancelled', 'other')

export const usage = closed<Usage>(
  {},
  {
    inputTokens: described('Of the whole prompt: those that were read anew, and those from the cache.', count),
    outputTokens: count,
    cachedTokens: described('The part of `inputTokens` that was not read anew.', count),
    reasoningTokens: count,
    contextLength: described('Prompt and answer together could have so many.', count),
  },
)

const timingFields = {
  loadMs: milliseconds,
  promptMs: milliseconds,
  generationMs: milliseconds,
  firstTokenMs: milliseconds,
}
export const timings = closed<RunEnd['timings']>({ totalMs: milliseconds }, timingFields)
export const storedTimings = closed<Partial<RunEnd['timings']>>({}, { ...timingFields, totalMs: milliseconds })

export const progress = closed<Progress>(
  { done: { type: 'number', minimum: 0 }, unit: words('percent', 'tokens', 'bytes', 'steps') },
  { total: described('Absent when it is not known.', { type: 'number', minimum: 0 }) },
)

const contents: Record<Content['type'], JsonSchema> = {
  text: closed<TextContent>({ type: only('text'), text }, {}),
  reasoning: closed<ReasoningContent>({ type: only('reasoning'), text }, {}),
  image: closed<ImageContent>(
    { type: only('image'), mediaType: text, data: { type: 'string', contentEncoding: 'base64' } },
    {},
  ),
  file: closed<FileContent>({ type: only('file'), name: text, mediaType: text, text }, {}),
  'tool-call': closed<ToolCallContent>(
    { type: only('tool-call'), id: text, name: text, arguments: described('As the model wrote it.', text) },
    {},
  ),
  'tool-result': closed<ToolResultContent>(
    { type: only('tool-result'), id: text, name: text, text },
    { isError: flag },
  ),
}
export const content = anyOf(...Object.values(contents))
