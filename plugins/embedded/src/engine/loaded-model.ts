import { LmappError } from 'lmapp-kit'
import type { LlamaModel } from 'node-llama-cpp'
import { chatTemplate, type ModelFile } from '../models/describe-model.ts'
import { createShrinkCheck } from '../models/model-parts.ts'
import { type AnswerMemory, createAnswerMemory } from '../prompt/answer-memory.ts'
import { chatMl } from '../prompt/render-prompt.ts'
import type { ChatTemplate, Runtime } from '../runtime/open-runtime.ts'
import { createEmbedder, type Embedder } from './embedder.ts'
import { createSequencePool, type SequencePool } from './sequence-pool.ts'

/** A model in memory, with what its chats share. */
export interface LoadedModel extends AsyncDisposable {
  readonly file: ModelFile
  readonly runtime: Runtime
  readonly model: LlamaModel
  readonly template: ChatTemplate
  /** The template's own text; undefined when the model carries none and a usual one is taken. */
  readonly templateText: string | undefined
  readonly answers: AnswerMemory
  readonly sequences: SequencePool
  readonly embedder: Embedder
  /** How many tokens of a prompt are read at once. */
  readonly pieces: { tokens: number }
  /** To be called while it works: throws `not-a-model` once its file became shorter. */
  checkFile(): void
}

export interface LoadOptions {
  parallel: number
  makeRoom(): Promise<boolean>
  /** Bytes that contexts may still take. */
  availableBytes(): Promise<number>
  /** 0 to 1. */
  onProgress(progress: number): void
  signal: AbortSignal
}

/** Tokens; before it is known how fast the machine is. */
const firstPiece = 32

/** Throws `model-load-failed`, or the signal's reason. */
export async function loadModel(runtime: Runtime, file: ModelFile, options: LoadOptions): Promise<LoadedModel> {
  const onlyProcessor = runtime.llama.gpu === false
  try {
    const model = await runtime.llama.loadModel({
      modelPath: file.path,
      onLoadProgress: options.onProgress,
      loadSignal: options.signal,
      // Without a graphics card there is nothing to divide, and the host has checked the memory.
      ...(onlyProcessor && { gpuLayers: 0, ignoreMemorySafetyChecks: true }),
    })
    const sequences = createSequencePool({ ...options, runtime, file, model })
    const embedder = createEmbedder({ ...options, runtime, file, model })
    return {
      file,
      runtime,
      model,
      ...toTemplate(runtime, file),
      answers: createAnswerMemory(),
      sequences,
      embedder,
      pieces: { tokens: firstPiece },
      checkFile: createShrinkCheck(file.parts),
      async [Symbol.asyncDispose]() {
        await sequences[Symbol.asyncDispose]()
        await embedder[Symbol.asyncDispose]()
        await model.dispose()
      },
    }
  } catch (cause) {
    options.signal.throwIfAborted()
    throw explainLoadFailure(file, cause)
  }
}

export function toTemplate(runtime: Runtime, file: ModelFile): Pick<LoadedModel, 'template' | 'templateText'> {
  const templateText = chatTemplate(file.head)
  return { template: runtime.parseTemplate(templateText ?? chatMl), templateText }
}

export function explainLoadFailure(file: ModelFile, cause: unknown): LmappError {
  return new LmappError('model-load-failed', `llama.cpp could not load "${file.id}": ${reasonOf(cause)}.`, {
    details: { model: file.id, path: file.path },
    cause,
  })
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message.replace(/\.$/, '') : String(cause)
}
