import type { AnswerEncoder } from '../../answer/index.ts'
import { openEventStream } from '../../http/event-stream.ts'
import type { Context } from '../../routes/route.ts'
import { toCommentFrame } from '../stream-frames.ts'
import type { Draft } from './draft.ts'
import { createResponseEncoder } from './encoder.ts'

/** Writes a draft and tells it, both at once. */
export function createDraftEncoder(draft: Draft): AnswerEncoder {
  const encoder = createResponseEncoder(draft)
  return {
    begin: encoder.begin,
    take(event) {
      const step = draft.take(event)
      if (event.type === 'warning' || event.type === 'handover') return toCommentFrame(event)
      return step ? encoder.take(step) : ''
    },
    finish(reason, end) {
      draft.finish(reason, end)
      return encoder.end()
    },
    fail(error, end) {
      draft.fail(error, end)
      return encoder.end()
    },
  }
}

export interface StreamDraftOptions {
  /** Number of the last event that the client has. */
  after?: number | undefined
  headers?: Record<string, string>
}

/** Tells a draft from its beginning, then what is written of it from now on. A client that leaves disturbs nobody. */
export async function streamDraft(
  { response, caller, heartbeatMs }: Context,
  draft: Draft,
  { after, headers = {} }: StreamDraftOptions,
): Promise<void> {
  const stream = openEventStream(response, { heartbeatMs, headers })
  const encoder = createResponseEncoder(draft, after)
  const send = (frames: string) => (frames === '' ? undefined : stream.send(frames))
  await send(encoder.begin())
  for await (const step of draft.follow(caller.signal)) {
    const full = send(encoder.take(step))
    if (full) await full
  }
  if (draft.ending) await send(encoder.end())
  stream.end()
}
