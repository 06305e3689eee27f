import {
  type AnswerState,
  type ErrorData,
  type NumberedRunEvent,
  type Phase,
  parseErrorData,
  type RunEvent,
  type RunSnapshot,
} from 'lmapp-kit'
import type { PullEvent } from './api-models.ts'
import { createEventParser, type ServerSentEvent } from './server-sent-events.ts'
import { unavailable } from './unavailable.ts'

/** Reads the events of a run until its `end`; throws `service-unavailable` when the stream ends before it. */
export async function* readRunEvents(body: AsyncIterable<string>): AsyncGenerator<NumberedRunEvent, void> {
  for await (const { id, data } of readEvents(body)) {
    const event = parseRunEvent(parseJson(data))
    if (!event) continue
    yield { seq: Number(id), event }
    if (event.type === 'end') return
  }
  throw unavailable('stream')
}

/** Reads the events of a pull until `done`; throws what `error` carries. */
export async function* readPullEvents(body: AsyncIterable<string>): AsyncGenerator<PullEvent, void> {
  for await (const { data } of readEvents(body)) {
    const event = parsePullEvent(parseJson(data))
    if (!event) continue
    if (event.type === 'error') throw parseErrorData(event.error)
    yield event
    if (event.type === 'done') return
  }
  throw unavailable('stream')
}

async function* readEvents(body: AsyncIterable<string>): AsyncGenerator<ServerSentEvent, void> {
  const parser = createEventParser()
  for await (const chunk of body) yield* parser.push(chunk)
}

function parseJson(data: string): unknown {
  try {
    return JSON.parse(data)
  } catch (cause) {
    throw unavailable('stream', { cause })
  }
}

const phases: Record<Phase, true> = {
  queued: true,
  connecting: true,
  fetching: true,
  loading: true,
  prompt: true,
  generating: true,
}

const endStates: Record<Exclude<AnswerState, 'running'>, true> = {
  complete: true,
  length: true,
  stopped: true,
  incomplete: true,
  failed: true,
  crashed: true,
}

/**
 * A newer service may send what this client does not know: an event or a phase is left out,
 * the state of an end counts as `incomplete`, a code of an error as `parseErrorData` says.
 */
function parseRunEvent(value: unknown): RunEvent | RunSnapshot | undefined {
  const event = value as RunEvent | RunSnapshot
  switch (event?.type) {
    case 'start':
    case 'text-delta':
    case 'reasoning-delta':
    case 'tool-call':
    case 'warning':
    case 'snapshot':
      return event
    case 'status':
      return Object.hasOwn(phases, event.phase) ? event : undefined
    case 'handover':
      return { ...event, reason: knownError(event.reason) }
    case 'end':
      return {
        ...event,
        state: Object.hasOwn(endStates, event.state) ? event.state : 'incomplete',
        ...(event.error && { error: knownError(event.error) }),
      }
    default:
      return undefined
  }
}

function parsePullEvent(value: unknown): PullEvent | undefined {
  const event = value as PullEvent
  return event?.type === 'progress' || event?.type === 'done' || event?.type === 'error' ? event : undefined
}

function knownError(data: ErrorData): ErrorData {
  return parseErrorData(data).toData()
}
