import { LmappError, type RunEnd, type RunEvent } from 'lmapp-kit'
import { openEventStream } from '../http/event-stream.ts'
import { toLmappError } from '../http/reply.ts'
import type { Context } from '../routes/route.ts'
import { type Answer, type GoodEnd, toGoodEnd } from './answer.ts'

/** Writes an answer in the frames of a dialect. An empty text is no frame. */
export interface AnswerEncoder {
  /** Content type; default: server-sent events. */
  readonly type?: string
  /** Sent while nothing arrives; default: a comment of server-sent events. Empty: nothing. */
  readonly heartbeat?: string
  begin(): string
  take(event: Exclude<RunEvent, RunEnd>): string
  /** A good end. */
  finish(reason: GoodEnd, end: RunEnd): string
  /** It broke off: never what looks like a good end. */
  fail(error: LmappError, end: RunEnd | undefined): string
}

/** Streams an answer to its end. A client that leaves ends it. */
export async function streamAnswer(context: Context, answer: Answer, encoder: AnswerEncoder): Promise<void> {
  const { response, heartbeatMs } = context
  const stream = openEventStream(response, {
    heartbeatMs,
    headers: answer.headers,
    ...(encoder.type !== undefined && { type: encoder.type }),
    ...(encoder.heartbeat !== undefined && { heartbeat: encoder.heartbeat }),
  })
  const send = (frame: string) => (frame === '' ? undefined : stream.send(frame))
  await send(encoder.begin())
  let ended = false
  for await (const batch of answer.batches()) {
    let frames = ''
    for (const event of batch) {
      ended ||= event.type === 'end'
      frames += event.type === 'end' ? toLastFrame(event, encoder, context) : encoder.take(event)
    }
    const full = send(frames)
    if (full) await full
  }
  if (!ended && !response.destroyed) {
    await send(encoder.fail(new LmappError('stream-incomplete', 'The answer was lost.'), undefined))
  }
  stream.end()
}

function toLastFrame(end: RunEnd, encoder: AnswerEncoder, { app }: Context): string {
  let reason: GoodEnd
  try {
    reason = toGoodEnd(end)
  } catch (error) {
    return encoder.fail(toLmappError(error, app.onBug), end)
  }
  return encoder.finish(reason, end)
}
