import type { ModelFile } from '../models/describe-model.ts'
import { createAnswerMemory } from '../prompt/answer-memory.ts'
import type { Runtime } from '../runtime/open-runtime.ts'
import { explainLoadFailure, type LoadedModel, toTemplate } from './loaded-model.ts'

/** What of a model turns messages into tokens. */
export type Reader = Pick<LoadedModel, 'file' | 'model' | 'template' | 'templateText' | 'answers'>

/**
 * A model's words without its weights: enough to count, a moment's work and a few megabytes, however large the model is.
 * Throws `model-load-failed`, or the signal's reason.
 */
export async function openVocabulary(
  runtime: Runtime,
  file: ModelFile,
  signal: AbortSignal,
): Promise<Reader & AsyncDisposable> {
  try {
    const model = await runtime.llama.loadModel({
      modelPath: file.path,
      vocabOnly: true,
      gpuLayers: 0,
      ignoreMemorySafetyChecks: true,
      loadSignal: signal,
    })
    return {
      file,
      model,
      ...toTemplate(runtime, file),
      answers: createAnswerMemory(),
      [Symbol.asyncDispose]: () => model.dispose(),
    }
  } catch (cause) {
    signal.throwIfAborted()
    throw explainLoadFailure(file, cause)
  }
}
