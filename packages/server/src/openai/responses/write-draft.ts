import type { NumberedRunEvent, RunEnd, RunEvent } from 'lmapp-kit'
import { toGoodEnd } from '../../answer/index.ts'
import type { ServerApp } from '../../app.ts'
import { toLmappError } from '../../http/reply.ts'
import type { Draft } from './draft.ts'

type App = Pick<ServerApp, 'onBug'>

/** Writes what happens in a run until it ends. One without an end is left open. */
export async function writeDraft(
  draft: Draft,
  events: AsyncIterable<RunEvent | NumberedRunEvent>,
  app: App,
): Promise<void> {
  for await (const item of events) {
    const event = 'event' in item ? item.event : item
    if (event.type === 'end') endDraft(draft, event, app)
    else if (event.type !== 'snapshot') draft.take(event)
  }
}

export function endDraft(draft: Draft, end: RunEnd, app: App): void {
  try {
    draft.finish(toGoodEnd(end), end)
  } catch (error) {
    draft.fail(toLmappError(error, app.onBug), end)
  }
}
