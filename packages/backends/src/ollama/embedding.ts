import { type Embedding, LmappError } from 'lmapp-kit'
import { toFields, toList, toOptionalCount } from '../json/fields.ts'
import { assertAnsweredFor } from './engine-error.ts'

/** The answer of `/api/embed` for so many inputs. Throws `wrong-model` and `protocol-violation`. */
export function parseEmbedding(answer: unknown, { model, inputs }: { model: string; inputs: number }): Embedding {
  assertAnsweredFor(model, toFields(answer))
  const { embeddings, prompt_eval_count: counted } = toFields(answer)
  const vectors = toList(embeddings).map((vector) => Float32Array.from(toList(vector), Number))
  if (vectors.length !== inputs) {
    throw new LmappError('protocol-violation', `Ollama gave ${vectors.length} vectors for ${inputs} inputs.`)
  }
  const inputTokens = toOptionalCount(counted)
  return { vectors, ...(inputTokens !== undefined && { inputTokens }) }
}
