import { type Finish, isLmappError, LmappError } from 'lmapp-kit'
import type { Slot } from '../admission/index.ts'
import type { Candidate } from '../routing/resolve.ts'
import { type ExecuteOptions, type Progress, toAsked } from './asking.ts'

const cancelled: Finish = { type: 'finish', reason: 'cancelled', usage: {} }

/**
 * A slot of the candidate; `finish` when the run was cancelled meanwhile, `busy` when too many wait there. Nobody who waits
 * is asked elsewhere meanwhile: the order of the candidates is what the user wants.
 */
export async function enterLine(
  candidate: Candidate,
  options: ExecuteOptions,
  progress: Progress,
): Promise<Slot | Finish | LmappError> {
  const { admission, breaker, id } = candidate.target
  const { client, signal, observe } = options
  const asked = toAsked(candidate)
  let waits = false
  const onPlace = (place: number) => {
    if (!waits) observe?.queued?.({ ...asked, waiting: admission.waiting })
    waits = true
    const message = `place ${place} in the line for ${id}`
    void options.emit({ type: 'status', phase: 'queued', message, vendor: { place } })
  }
  try {
    const slot = await admission.enter({ model: candidate.model, client, signal, onPlace })
    const { state, reason } = breaker.current
    if (!slot.waited || state !== 'open' || progress.left === 0) return slot
    slot[Symbol.dispose]()
    return new LmappError('busy', `${id} failed while others waited for it: ${reason}`)
  } catch (error) {
    if (signal.aborted) return cancelled
    if (!isLmappError(error, 'busy')) throw error
    observe?.refused?.(asked)
    return error
  }
}
