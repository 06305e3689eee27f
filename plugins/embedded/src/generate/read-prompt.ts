import type { Status } from 'lmapp-kit'
import type { LlamaContextSequence, Token } from 'node-llama-cpp'
import type { ThreadGovernor } from '../runtime/thread-governor.ts'

/** So long may one piece take, so that an abort is heeded and progress is seen. */
const pieceMs = 750
const fewestTokens = 32
const mostTokens = 512

/** Reads all but the last piece, in pieces as large as the machine is fast. The last one is read for the first new token. */
export async function* readPrompt(
  sequence: LlamaContextSequence,
  tokens: readonly Token[],
  governor: ThreadGovernor,
  signal: AbortSignal,
): AsyncGenerator<Status, void, void> {
  let piece = fewestTokens
  let done = sequence.nextTokenIndex
  for (; done + piece < tokens.length; done = sequence.nextTokenIndex) {
    signal.throwIfAborted()
    yield toStatus(done, tokens.length)
    governor.pace()
    const begun = performance.now()
    await sequence.evaluateWithoutGeneratingNewTokens(tokens.slice(done, done + piece))
    const perToken = (performance.now() - begun) / piece
    piece = Math.max(fewestTokens, Math.min(mostTokens, Math.floor(pieceMs / perToken)))
  }
  signal.throwIfAborted()
  yield toStatus(done, tokens.length)
}

function toStatus(done: number, total: number): Status {
  return { type: 'status', phase: 'prompt', progress: { done, total, unit: 'tokens' } }
}
