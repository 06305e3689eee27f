import type { ErrorData } from './errors/lmapp-error.ts'
import type { FinishReason, ReasoningDelta, Status, TextDelta, Timings, ToolCall, Usage, Warning } from './part.ts'

/** What a front receives of a run: `start`, every part but `finish`, `handover`, then exactly one `end`. */

/** `crashed` is found later: the service that owned the run died. `running` is the only state that changes. */
export type AnswerState = 'running' | 'complete' | 'length' | 'stopped' | 'incomplete' | 'failed' | 'crashed'

export interface RunStart {
  type: 'start'
  run: string
  /** Absent when nothing is saved. */
  conversation?: string
  /** Id of the assistant message that is being written. */
  message: string
  /** `backend/model`, as resolved. */
  model: string
}

/** Another candidate goes on. Comes before its first part; text already received stays. */
export interface Handover {
  type: 'handover'
  from: string
  to: string
  reason: ErrorData
}

export interface RunEnd {
  type: 'end'
  state: Exclude<AnswerState, 'running'>
  /** The engine's reason, when there was a finish. */
  reason?: FinishReason
  usage: Usage
  timings: Timings & { firstTokenMs?: number; totalMs: number }
  error?: ErrorData
}

/** All that a joiner missed, as one event. What follows in the stream is live. */
export interface RunSnapshot {
  type: 'snapshot'
  run: string
  conversation?: string
  message: string
  model: string
  /** The answer's text so far, earlier runs of the same message included. */
  text: string
  reasoning: string
  toolCalls: ToolCall[]
  /** The latest phase, while the run lasts. */
  status?: Status
}

export type RunEvent = RunStart | TextDelta | ReasoningDelta | ToolCall | Status | Warning | Handover | RunEnd

/** An event with its place in the run, counted from 1 without gaps. */
export interface NumberedRunEvent {
  seq: number
  event: RunEvent | RunSnapshot
}
