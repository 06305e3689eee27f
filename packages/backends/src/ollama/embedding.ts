import { type Embedding, LmappError } from 'lmapp-kit'
import { toFields, toList, toOptionalCount } from '../json/fields.ts'

/** The answer of `/api/embed` for so many inputs. */
export function parseEmbedding(answer: unknown, inputs: number): Embedding {
  const { embeddings, prompt_eval_count: counted } = toFields(answer)
  const vectors = toList(embeddings).map((vector) => Float32Array.from(toList(vector), Number))
  if (vectors.length !== inputs) {
    throw new LmappError('protocol-violation', `Ollama gave ${vectors.length} vectors for ${inputs} inputs.`)
  }
  const inputTokens = toOptionalCount(counted)
  return { vectors, ...(inputTokens !== undefined && { inputTokens }) }
}
