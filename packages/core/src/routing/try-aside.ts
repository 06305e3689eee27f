import { isLmappError, LmappError, untilAborted } from 'lmapp-kit'
import { inspectBackend } from '../backends/inspect-backend.ts'
import type { RegisteredBackend } from '../backends/registry.ts'

/**
 * Asks a backend whose pause is over how it does, beside the request that goes to another. Its breaker learns the
 * answer. What lmapp runs itself is only known to work when it is started, which a request does.
 */
export async function tryAside(target: RegisteredBackend): Promise<void> {
  const { breaker, context, type } = target
  if (type.owner === 'lmapp' || breaker.current.state !== 'half-open' || !breaker.admits()) return
  const signal = AbortSignal.timeout(context.timeouts.connectMs)
  try {
    const { running, degraded } = await untilAborted(target.backend.isRunning({ signal }), signal)
    const wouldStart = async () => (await untilAborted(inspectBackend(target), signal))?.startable === true
    if (running || (await wouldStart())) return breaker.succeeded()
    breaker.failed(new LmappError('backend-unreachable', degraded ?? 'Nothing answers there.'))
  } catch (error) {
    const silent = new LmappError('backend-unreachable', 'It does not answer in time.', { cause: error })
    breaker.failed(isLmappError(error) ? error : silent)
  }
}
