import type { Status } from 'lmapp-kit'
import type { ModelHold, ModelHost } from '../engine/model-host.ts'
import type { ModelFile } from '../models/describe-model.ts'

/**
 * Loads the model and tells how far it is, in whole percent. The newest figure replaces one that was not read yet.
 * A reader that leaves must also abort `signal`.
 */
export async function* loadWithProgress(
  host: ModelHost,
  file: ModelFile,
  { signal, contextLength }: { signal: AbortSignal; contextLength?: number | undefined },
): AsyncGenerator<Status, ModelHold, void> {
  let percent = 0
  let changed = Promise.withResolvers<'changed'>()
  const loading = host.use(file, {
    signal,
    ...(contextLength !== undefined && { contextLength }),
    onProgress(progress) {
      const now = Math.floor(progress * 100)
      if (now <= percent) return
      percent = now
      changed.resolve('changed')
    },
  })
  // It may fail while the reader looks at a status; the failure is thrown when it is waited for.
  loading.catch(() => {})
  let handedOver = false
  try {
    if (!host.isReady(file.id)) yield toStatus(percent)
    while ((await Promise.race([loading, changed.promise])) === 'changed') {
      changed = Promise.withResolvers()
      yield toStatus(percent)
    }
    const hold = await loading
    handedOver = true
    return hold
  } finally {
    if (!handedOver) loading.then((hold) => hold.release()).catch(() => {})
  }
}

function toStatus(percent: number): Status {
  return { type: 'status', phase: 'loading', progress: { done: percent, total: 100, unit: 'percent' } }
}
