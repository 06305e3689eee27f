import { LmappError, type Warning } from 'lmapp-kit'
import type { LlamaGrammarEvaluationState } from 'node-llama-cpp'
import type { LoadedModel } from '../engine/loaded-model.ts'
import { SchemaError } from '../grammar/schema-error.ts'
import { toSchemaGrammar } from '../grammar/schema-grammar.ts'
import { unsupportedSetting } from './sampling.ts'

export interface JsonGrammar {
  state: LlamaGrammarEvaluationState
  /** One for each keyword of the schema that has no effect. */
  warnings: Warning[]
}

/** A grammar that lets the model write nothing but JSON of that schema. Throws `bad-input`. */
export async function createJsonGrammar(
  { runtime, model }: Pick<LoadedModel, 'runtime' | 'model'>,
  schema: Record<string, unknown>,
): Promise<JsonGrammar> {
  try {
    const { grammar: text, unenforced } = toSchemaGrammar(schema)
    const grammar = await runtime.llama.createGrammar({ grammar: text })
    const state = new runtime.library.LlamaGrammarEvaluationState({ model, grammar })
    return { state, warnings: unenforced.map(toWarning) }
  } catch (cause) {
    const [path, reason] = cause instanceof SchemaError ? [cause.path, cause.message] : ['', 'it is too complex']
    throw new LmappError('bad-input', `No grammar can be made of this JSON schema: ${reason} (at #${path}).`, {
      hint: 'Correct the schema, or make it simpler',
      details: { setting: 'schema', path: `#${path}` },
      cause,
    })
  }
}

function toWarning(keyword: string): Warning {
  return unsupportedSetting(`schema.${keyword}`, `"${keyword}" of the schema has no effect on what the model writes.`)
}
