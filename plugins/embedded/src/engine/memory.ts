import { LmappError } from 'lmapp-kit'
import type { Llama } from 'node-llama-cpp'
import { cacheBytesPerToken, type ModelFile } from '../models/describe-model.ts'

export interface MemoryOptions {
  llama: Pick<Llama, 'gpu' | 'getVramState'>
  availableMemory(): number
  loaded(): ModelFile[]
  /** Unloads one idle model; false when none is idle. */
  makeRoom(): Promise<boolean>
}

/** Context without which a chat makes no sense, in tokens. */
const leastContext = 2048
/** What llama.cpp computes in, roughly. */
const workspaceBytes = 64 * 1024 * 1024

/** Unloads idle models until this one fits, or throws `model-load-failed` with the numbers. */
export async function assertFits(file: ModelFile, options: MemoryOptions): Promise<void> {
  const neededBytes = file.sizeBytes + leastContext * cacheBytesPerToken(file.head) + workspaceBytes
  for (;;) {
    const availableBytes = await available(options)
    if (neededBytes <= availableBytes) return
    if (await options.makeRoom()) continue
    throw new LmappError(
      'model-load-failed',
      `"${file.id}" needs ${toMegabytes(neededBytes)} of memory, ${toMegabytes(availableBytes)} are free.`,
      {
        hint: 'Free some memory, or choose a smaller model: lmapp models list',
        details: { model: file.id, neededBytes, availableBytes },
      },
    )
  }
}

/** Files of loaded models are mapped, and the system counts mapped pages as free: they are taken off here. */
async function available({ llama, availableMemory, loaded }: MemoryOptions): Promise<number> {
  const mapped = loaded().reduce((sum, model) => sum + model.sizeBytes, 0)
  if (llama.gpu === false) return Math.max(0, availableMemory() - mapped)
  const card = await llama.getVramState()
  return Math.max(0, availableMemory() - mapped) + (card.unifiedSize > 0 ? 0 : card.free)
}

function toMegabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1024 ** 2).toLocaleString('en')} MiB`
}
