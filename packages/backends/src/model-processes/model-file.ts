import type { ModelInfo } from 'lmapp-kit'
import type { MemoryFields } from 'lmapp-kit/gguf'

/** A model on this machine, as a file that an engine can be started with. */
export type ModelFile = ModelInfo & { path: string; memory?: MemoryFields }

/** The models that a backend may run, looked for anew each time. */
export interface ModelFiles {
  list(): Promise<ModelFile[]>
  /** Throws `model-not-found` with the known names. */
  find(name: string): Promise<ModelFile>
}
