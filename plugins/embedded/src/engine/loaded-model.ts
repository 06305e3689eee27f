import { LmappError } from 'lmapp-kit'
import type { LlamaModel } from 'node-llama-cpp'
import { chatTemplate, type ModelFile } from '../models/describe-model.ts'
import { type AnswerMemory, createAnswerMemory } from '../prompt/answer-memory.ts'
import { chatMl } from '../prompt/render-prompt.ts'
import type { ChatTemplate, Runtime } from '../runtime/open-runtime.ts'
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
}

export interface LoadOptions {
  parallel: number
  makeRoom(): Promise<boolean>
  /** 0 to 1. */
  onProgress(progress: number): void
  signal: AbortSignal
}

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
    const templateText = chatTemplate(file.head)
    const sequences = createSequencePool({ ...options, runtime, model })
    return {
      file,
      runtime,
      model,
      template: runtime.parseTemplate(templateText ?? chatMl),
      templateText,
      answers: createAnswerMemory(),
      sequences,
      async [Symbol.asyncDispose]() {
        await sequences[Symbol.asyncDispose]()
        await model.dispose()
      },
    }
  } catch (cause) {
    options.signal.throwIfAborted()
    throw new LmappError('model-load-failed', `llama.cpp could not load "${file.id}": ${reasonOf(cause)}.`, {
      details: { model: file.id, path: file.path },
      cause,
    })
  }
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message.replace(/\.$/, '') : String(cause)
}
