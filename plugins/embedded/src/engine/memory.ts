import { LmappError } from 'lmapp-kit'
import { estimateMemory, largestContext } from 'lmapp-kit/gguf'
import type { Llama } from 'node-llama-cpp'
import { type ModelFile, toMemoryFields, trainedContext } from '../models/describe-model.ts'

export interface MemoryOptions {
  llama: Pick<Llama, 'gpu' | 'getVramState'>
  availableMemory(): number
  loaded(): ModelFile[]
  /** Unloads one idle model; false when none is idle. */
  makeRoom(): Promise<boolean>
  /** Context that was asked for, in tokens. Default: the least with which a chat makes sense. */
  contextLength?: number
}

/** Context without which a chat makes no sense, in tokens. */
export const leastContext = 2048

/** Where a file does not say what it needs beside itself. */
const workspaceBytes = 64 * 1024 * 1024

/** Unloads idle models until this one fits with its context, or throws `model-too-large` with the numbers. */
export async function assertFits(file: ModelFile, options: MemoryOptions): Promise<void> {
  const trained = trainedContext(file.head) ?? Number.POSITIVE_INFINITY
  const contextLength = Math.min(options.contextLength ?? leastContext, trained)
  const neededBytes = toNeeded(file, contextLength)
  for (;;) {
    const availableBytes = await availableBytesOf(options)
    if (neededBytes <= availableBytes) return
    if (await options.makeRoom()) continue
    throw tooLarge(file, { contextLength, availableBytes })
  }
}

/** Files of loaded models are mapped, and the system counts mapped pages as free: they are taken off here. */
export async function availableBytesOf({
  llama,
  availableMemory,
  loaded,
}: Pick<MemoryOptions, 'llama' | 'availableMemory' | 'loaded'>): Promise<number> {
  const mapped = loaded().reduce((sum, model) => sum + model.sizeBytes, 0)
  if (llama.gpu === false) return Math.max(0, availableMemory() - mapped)
  const card = await llama.getVramState()
  return Math.max(0, availableMemory() - mapped) + (card.unifiedSize > 0 ? 0 : card.free)
}

/** The longest context for a model that is in memory already. Undefined when its file does not say enough. */
export function contextThatFits(file: ModelFile, availableBytes: number, sequences: number): number | undefined {
  return largestContext({ ...toMemoryFields(file), sequences }, availableBytes + file.sizeBytes)
}

/** Bytes of a context alone. 0 when the file does not say enough. */
export function contextBytesOf(file: ModelFile, contextLength: number, sequences = 1): number {
  return estimateMemory({ ...toMemoryFields(file), contextLength, sequences })?.contextBytes ?? 0
}

/** `availableBytes`: for the file and its context together. */
export function tooLarge(
  file: ModelFile,
  { contextLength, availableBytes }: { contextLength: number; availableBytes: number },
  cause?: unknown,
): LmappError {
  const neededBytes = toNeeded(file, contextLength)
  const contextBytes = neededBytes - file.sizeBytes
  const fits = largestContext(toMemoryFields(file), availableBytes) ?? 0
  const free = `${toMegabytes(availableBytes)} are free`
  const parts = `${toMegabytes(file.sizeBytes)} for the file, ${toMegabytes(contextBytes)} for a context of ${contextLength} tokens`
  return new LmappError(
    'model-too-large',
    `"${file.id}" needs ${toMegabytes(neededBytes)} of memory, ${free}: ${parts}.`,
    {
      hint:
        fits >= leastUseful && fits < contextLength
          ? `A context of ${fits} tokens fits: -o num_ctx=${fits}`
          : 'Free some memory, or choose a smaller model: lmapp models list',
      details: {
        model: file.id,
        fileBytes: file.sizeBytes,
        contextLength,
        contextBytes,
        neededBytes,
        availableBytes,
        largestContextLength: fits,
      },
      cause,
    },
  )
}

/** Tokens; less is no help to anybody. */
const leastUseful = 512

function toNeeded(file: ModelFile, contextLength: number): number {
  const estimate = estimateMemory({ ...toMemoryFields(file), contextLength })
  return estimate?.totalBytes ?? file.sizeBytes + workspaceBytes
}

function toMegabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1024 ** 2).toLocaleString('en')} MiB`
}
