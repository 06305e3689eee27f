import type { Status } from 'lmapp-kit'
import type { LlamaContextSequence, Token } from 'node-llama-cpp'
import type { LoadedModel } from '../engine/loaded-model.ts'

/** So long may one piece take, so that an abort is heeded and progress is seen. */
const pieceMs = 2000
/** Less than 64 at once cost a quarter of the speed, and are for machines on which more would take too long. */
const fewestTokens = 32
const mostTokens = 512
/** What every piece is a multiple of: processors read in such blocks. */
const blockTokens = 32

/**
 * Reads all but the last piece, in pieces as large as the machine was fast when this model read last. The last one is
 * read for the first new token.
 */
export async function* readPrompt(
  sequence: LlamaContextSequence,
  tokens: readonly Token[],
  { runtime, checkFile, pieces }: Pick<LoadedModel, 'runtime' | 'checkFile' | 'pieces'>,
  signal: AbortSignal,
): AsyncGenerator<Status, void, void> {
  let done = sequence.nextTokenIndex
  for (let piece = pieces.tokens; done + piece < tokens.length; done = sequence.nextTokenIndex) {
    signal.throwIfAborted()
    yield toStatus(done, tokens.length)
    checkFile()
    runtime.governor.pace()
    const begun = performance.now()
    await sequence.evaluateWithoutGeneratingNewTokens(tokens.slice(done, done + piece))
    const perToken = (performance.now() - begun) / piece
    const fitting = Math.floor(pieceMs / perToken / blockTokens) * blockTokens
    piece = Math.max(fewestTokens, Math.min(mostTokens, fitting))
    pieces.tokens = piece
  }
  signal.throwIfAborted()
  yield toStatus(done, tokens.length)
}

function toStatus(done: number, total: number): Status {
  return { type: 'status', phase: 'prompt', progress: { done, total, unit: 'tokens' } }
}
