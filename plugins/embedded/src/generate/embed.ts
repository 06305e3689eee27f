import { type Embedding, LmappError } from 'lmapp-kit'
import type { LlamaModel, Token } from 'node-llama-cpp'
import type { LoadedModel } from '../engine/loaded-model.ts'
import { appendText } from '../prompt/tokenize.ts'

/** Vectors of length 1, one for each text. All texts are measured before the first one is read. */
export async function embedTexts(
  loaded: LoadedModel,
  texts: readonly string[],
  signal: AbortSignal,
): Promise<Embedding> {
  const inputs: Token[][] = []
  for (const [index, text] of texts.entries()) {
    const tokens = await toTokens(loaded.model, text, signal)
    assertUsable(loaded, tokens.length, index)
    inputs.push(tokens)
  }
  const longest = Math.max(...inputs.map((tokens) => tokens.length))
  const pace = (): void => {
    loaded.checkFile()
    loaded.runtime.governor.pace()
  }
  const vectors: Float32Array[] = []
  for (const tokens of inputs) vectors.push(toUnit(await loaded.embedder.embed({ tokens, longest, signal, pace })))
  return { vectors, inputTokens: inputs.reduce((sum, tokens) => sum + tokens.length, 0) }
}

/** With the marks that the model was trained to see around a text. */
async function toTokens(model: LlamaModel, text: string, signal: AbortSignal): Promise<Token[]> {
  const tokens: Token[] = []
  const kind = `${model.vocabularyType}`
  const { bos, eos, sep, shouldPrependBosToken, shouldAppendEosToken } = model.tokens
  const first = kind === 'wpm' || shouldPrependBosToken ? bos : null
  const last = kind === 'wpm' ? sep : kind === 'ugm' || shouldAppendEosToken ? eos : null
  if (first !== null) tokens.push(first)
  await appendText(model, tokens, { text, origin: 'message' }, signal)
  if (last !== null && tokens.at(-1) !== last) tokens.push(last)
  return tokens
}

function assertUsable({ file, model }: LoadedModel, count: number, index: number): void {
  const limit = model.trainContextSize
  if (count === 0)
    throw new LmappError('bad-input', `Text ${index + 1} is empty; there is nothing to embed.`, { details: { index } })
  if (count <= limit) return
  throw new LmappError('context-overflow', `Text ${index + 1} has ${count} tokens; "${file.id}" reads ${limit}.`, {
    hint: 'Cut it into shorter pieces, or choose a model with a longer context: lmapp models list',
    details: { index, inputTokens: count, contextLength: limit },
  })
}

function toUnit(vector: Float64Array): Float32Array {
  const length = Math.hypot(...vector)
  if (!(length > 0) || !Number.isFinite(length)) {
    throw new LmappError('engine-failed', 'llama.cpp gave a vector without a direction.')
  }
  return Float32Array.from(vector, (value) => value / length)
}
