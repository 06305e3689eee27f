import { type CallOptions, type Embedding, isLmappError, LmappError, type Support } from 'lmapp-kit'
import { toOptionalText } from '../json/fields.ts'
import { type AskedModel, assertAnsweredBy, parseEmbeddings, toEmbeddingBody } from '../openai-wire/index.ts'
import type { ServedModel } from './catalogue.ts'
import { engine, type LlamaServerConnection } from './connection.ts'

const path = '/v1/embeddings'

/** Throws `unsupported` where the server was not started for it, `context-overflow` for a text that is too long. */
export async function embedWithLlamaServer(
  connection: LlamaServerConnection,
  { model, asked, input, silenceMs }: { model: ServedModel; asked: AskedModel; input: string[]; silenceMs: number },
  call: CallOptions,
): Promise<Embedding> {
  const { wireName, info } = model
  const body = toEmbeddingBody({ model: wireName, input })
  try {
    const answer = await connection.json({ method: 'POST', path, body, model: info.id, silenceMs, ...call })
    await assertAnsweredBy(answer, engine, asked)
    return parseEmbeddings(answer, { engine, inputs: input.length })
  } catch (error) {
    throw toEmbeddingError(error, info.id)
  }
}

/** A question without a text costs nothing: a server that embeds asks for it, another one says that it does not. */
export async function supportsEmbedding(
  connection: LlamaServerConnection,
  { wireName, info }: ServedModel,
  call: CallOptions,
): Promise<Support> {
  try {
    await connection.json({ method: 'POST', path, body: { model: wireName }, model: info.id, ...call })
    return 'unknown'
  } catch (error) {
    const known = toEmbeddingError(error, info.id)
    if (isLmappError(known, 'unsupported')) return 'no'
    if (isLmappError(known, 'bad-input')) return 'yes'
    if (isLmappError(known, 'engine-failed')) return 'unknown'
    throw known
  }
}

/** The server says it only in words. */
function toEmbeddingError(error: unknown, model: string): unknown {
  if (!isLmappError(error)) return error
  const said = toOptionalText(error.details?.said) ?? ''
  if (error.code === 'unsupported' || /pooling type/i.test(said)) {
    return new LmappError('unsupported', `${engine} does not embed: ${said}`, {
      hint: 'Start it with: --embeddings --pooling mean (or as the model needs it)',
      details: { model, capability: 'embed', said },
      cause: error,
    })
  }
  const tooLong = /input \((\d+) tokens\) is too large.*batch size: (\d+)/i.exec(said)
  if (!tooLong) return error
  const [promptTokens, contextLength] = [Number(tooLong[1]), Number(tooLong[2])]
  return new LmappError(
    'context-overflow',
    `A text has ${promptTokens} tokens, and ${engine} embeds at most ${contextLength} at once.`,
    {
      hint: `Cut it, or start llama-server with a larger batch: -b ${promptTokens} -ub ${promptTokens}`,
      details: { model, promptTokens, contextLength },
      cause: error,
    },
  )
}
