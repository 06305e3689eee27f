import { LmappError } from 'lmapp-kit'

/**
 * How far a request came before the service was lost. After `connect` nothing was sent, so sending it again,
 * to a service that was just started, is safe. After `answer` and `stream` it may have been acted upon.
 */
export type LostStage = 'connect' | 'answer' | 'stream'

const messages: Record<LostStage, string> = {
  connect: 'The lmapp service cannot be reached.',
  answer: 'The lmapp service did not answer properly.',
  stream: 'The connection to the lmapp service broke.',
}

/** `service-unavailable`, with `details.stage`. */
export function unavailable(stage: LostStage, options: { cause?: unknown; message?: string } = {}): LmappError {
  return new LmappError('service-unavailable', options.message ?? messages[stage], {
    details: { stage },
    ...('cause' in options && { cause: options.cause }),
  })
}
