import { type Embedding, LmappError, parseVectorBytes } from 'lmapp-kit'
import { toFields, toList, toOptionalCount } from '../json/fields.ts'

/** The body of a request to `/v1/embeddings`. Floats are what every engine knows. */
export function toEmbeddingBody({ model, input }: { model: string; input: string[] }): Record<string, unknown> {
  return { model, input, encoding_format: 'float' }
}

/** The answer of `/v1/embeddings` for so many inputs. Throws `protocol-violation` unless there is one vector for each. */
export function parseEmbeddings(answer: unknown, { engine, inputs }: { engine: string; inputs: number }): Embedding {
  const { data, usage } = toFields(answer)
  const rows = toList(data).map((item, position) => {
    const { embedding, index } = toFields(item)
    return { index: toOptionalCount(index) ?? position, vector: toVector(embedding, engine) }
  })
  const vectors = rows.toSorted((left, right) => left.index - right.index).map(({ vector }) => vector)
  const isOneEach = new Set(rows.map(({ index }) => index)).size === inputs && rows.length === inputs
  if (!isOneEach || vectors.some(({ length }) => length !== vectors[0]?.length)) {
    throw new LmappError('protocol-violation', `${engine} gave ${rows.length} vectors for ${inputs} inputs.`)
  }
  const inputTokens = toOptionalCount(toFields(usage).prompt_tokens)
  return { vectors, ...(inputTokens !== undefined && { inputTokens }) }
}

/** Numbers, or base64 of little-endian float32. */
function toVector(embedding: unknown, engine: string): Float32Array {
  const vector = typeof embedding === 'string' ? fromBase64(embedding) : Float32Array.from(toList(embedding), Number)
  if (vector.length > 0 && vector.every(Number.isFinite)) return vector
  throw new LmappError('protocol-violation', `${engine} gave a vector that is none.`)
}

function fromBase64(text: string): Float32Array {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.length === 0) return new Float32Array()
  const [vector] = parseVectorBytes(bytes, bytes.length / 4)
  return vector ?? new Float32Array()
}
