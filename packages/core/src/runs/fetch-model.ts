import { LmappError, type RunEvent } from 'lmapp-kit'
import type { CatalogueEntry, ModelLibrary } from '../models/models.ts'

export interface FetchModelOptions {
  library: ModelLibrary
  signal: AbortSignal
  offline: boolean
  /** Of the front that asks: where its models come from. */
  environment: Readonly<Record<string, string>>
  emit: (event: RunEvent) => Promise<void> | undefined
}

/** Fetches the default model, announced: its name, size and licence first, then progress. */
export async function fetchModel(entry: CatalogueEntry, options: FetchModelOptions): Promise<void> {
  const { library, signal, offline, environment, emit } = options
  const megabytes = Math.round(entry.sizeBytes / 1_000_000)
  await emit({
    type: 'status',
    phase: 'fetching',
    message: `No model is here yet: fetching ${entry.name} (${megabytes} MB, ${entry.license}).`,
  })
  for await (const step of library.fetch(entry.name, { signal, offline, environment })) {
    if (step.done) return
    const { status, progress } = step
    await emit({ type: 'status', phase: 'fetching', message: status, ...(progress && { progress }) })
  }
  throw new LmappError('download-failed', `${entry.name} was not fetched to its end.`)
}
