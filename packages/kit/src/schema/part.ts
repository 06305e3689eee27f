import * as z from 'zod'
import type {
  Finish,
  FinishReason,
  Part,
  Phase,
  Progress,
  ReasoningDelta,
  Status,
  TextDelta,
  Timings,
  TokenProbability,
  ToolCall,
  Usage,
  Warning,
  WarningCode,
} from '../part.ts'
import { anyObject, count, members, open } from './members.ts'

const vendor = z.exactOptional(anyObject).describe('Opaque data of the engine, kept and passed on.')

export const tokenProbability = members<TokenProbability>()({
  token: z.string(),
  logprob: z.number().max(0).describe('Natural logarithm of the probability.'),
  top: z
    .exactOptional(z.array(z.object({ token: z.string(), logprob: z.number().max(0) })))
    .describe('The likeliest ones at this place, best first, where they were asked for.'),
}) satisfies z.ZodType<TokenProbability>

export const textDelta = members<TextDelta>()({
  type: z.literal('text-delta'),
  text: z.string().min(1).describe('Never empty, never half a character.'),
  logprobs: z.exactOptional(z.array(tokenProbability)),
  vendor,
}) satisfies z.ZodType<TextDelta>

export const reasoningDelta = members<ReasoningDelta>()({
  type: z.literal('reasoning-delta'),
  text: z.string().min(1),
  vendor,
}) satisfies z.ZodType<ReasoningDelta>

export const toolCall = members<ToolCall>()({
  type: z.literal('tool-call'),
  id: z.string(),
  name: z.string(),
  arguments: z.string().describe('Raw text as the model wrote it, whole.'),
  vendor,
}) satisfies z.ZodType<ToolCall>

export const phase = z
  .enum(['queued', 'connecting', 'fetching', 'loading', 'prompt', 'generating'])
  .describe('They come in this order; any may be left out.') satisfies z.ZodType<Phase>

export const progress = members<Progress>()({
  done: z.number().min(0),
  total: z.exactOptional(z.number().min(0)).describe('Absent when it is not known.'),
  unit: z.enum(['percent', 'tokens', 'bytes', 'steps']),
}) satisfies z.ZodType<Progress>

export const status = members<Status>()({
  type: z.literal('status'),
  phase,
  progress: z.exactOptional(progress),
  message: z.exactOptional(z.string()).describe('A short line for a person, such as what is being fetched.'),
  vendor,
}) satisfies z.ZodType<Status>

export const warningCode = open(
  [
    'unsupported-setting',
    'context-truncated',
    'context-near-limit',
    'context-estimated',
    'capability-unknown',
    'other',
  ],
  'other',
) satisfies z.ZodType<WarningCode>

export const warning = members<Warning>()({
  type: z.literal('warning'),
  code: warningCode,
  message: z.string(),
  setting: z.exactOptional(z.string()).describe("The request's field that this is about, as `options.topK`."),
  vendor,
}) satisfies z.ZodType<Warning>

export const finishReason = open(
  ['stop', 'length', 'tool-calls', 'content-filter', 'cancelled', 'other'],
  'other',
) satisfies z.ZodType<FinishReason>

export const usage = members<Usage>()({
  inputTokens: z
    .exactOptional(count)
    .describe('Tokens of the whole prompt, as the engine counted them: processed and cached together.'),
  outputTokens: z.exactOptional(count),
  cachedTokens: z.exactOptional(count).describe('The part of `inputTokens` that was not read anew.'),
  reasoningTokens: z.exactOptional(count),
  contextLength: z
    .exactOptional(count)
    .describe('The context that was there: prompt and answer together can have so many tokens.'),
}) satisfies z.ZodType<Usage>

const milliseconds = z.exactOptional(z.number().min(0)).describe('Milliseconds.')

export const timings = members<Timings>()({
  loadMs: milliseconds,
  promptMs: milliseconds,
  generationMs: milliseconds,
}) satisfies z.ZodType<Timings>

export const finish = members<Finish>()({
  type: z.literal('finish'),
  reason: finishReason,
  usage,
  timings: z.exactOptional(timings),
  vendor,
}) satisfies z.ZodType<Finish>

/** What is streamed before the end. A part of another type comes from a newer side and is left out by the reader. */
export const streamedPart = z.discriminatedUnion('type', [textDelta, reasoningDelta, toolCall, status, warning])

export const part = z.discriminatedUnion('type', [
  textDelta,
  reasoningDelta,
  toolCall,
  status,
  warning,
  finish,
]) satisfies z.ZodType<Part>
