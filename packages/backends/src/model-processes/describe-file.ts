import type { Capabilities, ModelInfo } from 'lmapp-kit'
import type { ModelFile } from './model-file.ts'

/** A schema is enforced by a grammar, whatever the model. */
const always: Capabilities = { 'json-schema': 'yes', logprobs: 'yes', 'count-tokens': 'yes' }
const management: Capabilities = { load: 'yes', unload: 'yes', pull: 'no', remove: 'no' }

/** What is known of a model by its file, and by its process where that says more. */
export function describeFile(
  { memory: _, ...file }: ModelFile,
  { loaded, said }: { loaded: boolean; said: ModelInfo | undefined },
): ModelInfo {
  return {
    ...file,
    loaded,
    ...(said?.template !== undefined && { template: said.template }),
    capabilities: { ...(said?.capabilities ?? toCapabilities(file)), ...management },
  }
}

function toCapabilities({ capabilities = {} }: Pick<ModelFile, 'capabilities'>): Capabilities {
  const isEncoder = capabilities.chat === 'no'
  const unknown = isEncoder ? 'no' : 'unknown'
  return {
    ...always,
    chat: isEncoder ? 'no' : 'yes',
    continue: unknown,
    tools: unknown,
    vision: unknown,
    reasoning: capabilities.reasoning ?? unknown,
    embed: isEncoder ? 'yes' : 'unknown',
  }
}
