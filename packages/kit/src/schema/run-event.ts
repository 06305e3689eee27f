import * as z from 'zod'
import type { AnswerState, Handover, NumberedRunEvent, RunEnd, RunEvent, RunSnapshot, RunStart } from '../run-event.ts'
import { errorData } from './error-data.ts'
import { members } from './members.ts'
import { finishReason, reasoningDelta, status, textDelta, timings, toolCall, usage, warning } from './part.ts'

const ended = ['complete', 'length', 'stopped', 'incomplete', 'failed', 'crashed'] as const

export const answerState = z.enum(['running', ...ended]) satisfies z.ZodType<AnswerState>

export const runStart = members<RunStart>()({
  type: z.literal('start'),
  run: z.string(),
  conversation: z.exactOptional(z.string()).describe('Absent when nothing is saved.'),
  message: z.string().describe('Id of the assistant message that is being written.'),
  model: z.string().describe('`backend/model`, as resolved.'),
}) satisfies z.ZodType<RunStart>

export const handover = members<Handover>()({
  type: z.literal('handover'),
  from: z.string(),
  to: z.string(),
  reason: errorData,
}) satisfies z.ZodType<Handover>

export const runTimings = timings.extend({
  firstTokenMs: z.exactOptional(z.number().min(0)),
  totalMs: z.number().min(0),
}) satisfies z.ZodType<RunEnd['timings']>

export const runEnd = members<RunEnd>()({
  type: z.literal('end'),
  state: z.enum(ended),
  reason: z.exactOptional(finishReason).describe("The engine's reason, when there was a finish."),
  usage,
  timings: runTimings,
  error: z.exactOptional(errorData),
}) satisfies z.ZodType<RunEnd>

export const runSnapshot = members<RunSnapshot>()({
  type: z.literal('snapshot'),
  run: z.string(),
  conversation: z.exactOptional(z.string()),
  message: z.string(),
  model: z.string(),
  text: z.string().describe("The answer's text so far, earlier runs of the same message included."),
  reasoning: z.string(),
  toolCalls: z.array(toolCall),
  status: z.exactOptional(status),
}) satisfies z.ZodType<RunSnapshot>

export const runEvent = z.discriminatedUnion('type', [
  runStart,
  textDelta,
  reasoningDelta,
  toolCall,
  status,
  warning,
  handover,
  runEnd,
]) satisfies z.ZodType<RunEvent>

export const numberedRunEvent = members<NumberedRunEvent>()({
  seq: z.int().min(0).describe('Its place in the run, counted from 1 without gaps.'),
  event: z.discriminatedUnion('type', [...runEvent.options, runSnapshot]),
}) satisfies z.ZodType<NumberedRunEvent>
