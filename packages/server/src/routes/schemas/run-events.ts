import type { RunInfo } from 'lmapp-client'
import type {
  Handover,
  ReasoningDelta,
  RunEnd,
  RunEvent,
  RunSnapshot,
  RunStart,
  Status,
  TextDelta,
  TokenProbability,
  ToolCall,
  Warning,
} from 'lmapp-kit'
import type { JsonSchema } from '../../parse/fields.ts'
import { errorData, finishReason, progress, timings, usage } from './parts.ts'
import { anyObject, anyOf, closed, count, described, listOf, only, text, words } from './shape.ts'

const vendor = described('Opaque data of the engine.', anyObject)
const piece: JsonSchema = { type: 'string', minLength: 1 }
const logprob: JsonSchema = { type: 'number', maximum: 0 }
const model = described('`backend/model` that answers.', text)
const message = described('Id of the answer that is being written.', text)
const conversation = described('Absent when nothing is saved.', text)

const probability = closed<TokenProbability>(
  { token: text, logprob },
  { top: listOf(closed<{ token: string; logprob: number }>({ token: text, logprob }, {})) },
)
const toolCall = closed<ToolCall>(
  { type: only('tool-call'), id: text, name: text, arguments: described('As the model wrote it.', text) },
  { vendor },
)
const status = closed<Status>(
  { type: only('status'), phase: words('queued', 'connecting', 'fetching', 'loading', 'prompt', 'generating') },
  { progress, message: described('For a person.', text), vendor },
)
const runEnd = closed<RunEnd>(
  {
    type: only('end'),
    state: words('complete', 'length', 'stopped', 'incomplete', 'failed', 'crashed'),
    usage,
    timings,
  },
  { reason: finishReason, error: errorData },
)

const events: Record<(RunEvent | RunSnapshot)['type'], JsonSchema> = {
  start: closed<RunStart>({ type: only('start'), run: text, message, model }, { conversation }),
  snapshot: closed<RunSnapshot>(
    {
      type: only('snapshot'),
      run: text,
      message,
      model,
      text: described('All of the answer so far.', text),
      reasoning: text,
      toolCalls: listOf(toolCall),
    },
    { conversation, status },
  ),
  status,
  'reasoning-delta': closed<ReasoningDelta>({ type: only('reasoning-delta'), text: piece }, { vendor }),
  'text-delta': closed<TextDelta>({ type: only('text-delta'), text: piece }, { logprobs: listOf(probability), vendor }),
  'tool-call': toolCall,
  warning: closed<Warning>(
    {
      type: only('warning'),
      code: words(
        'unsupported-setting',
        'context-truncated',
        'context-near-limit',
        'context-estimated',
        'capability-unknown',
        'other',
      ),
      message: text,
    },
    { setting: described('The field of the request that it is about, as `options.topK`.', text), vendor },
  ),
  handover: closed<Handover>({ type: only('handover'), from: text, to: text, reason: errorData }, {}),
  end: runEnd,
}

/** The data of one event; the last one is `end`. */
export const runEventSchema = anyOf(...Object.values(events))

export const runInfoSchema = closed<RunInfo>(
  {
    id: text,
    message,
    model,
    state: words('running', 'complete', 'length', 'stopped', 'incomplete', 'failed', 'crashed'),
    seq: described('Sequence number of the newest event.', count),
  },
  { conversation, end: runEnd },
)
