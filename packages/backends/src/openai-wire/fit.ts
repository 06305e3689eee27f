import { type ChatRequest, type Finish, LmappError, type Warning } from 'lmapp-kit'
import { checkPromptWasRead, fewestTokens, mostTokens, withUsefulHint } from '../text-measure/index.ts'

/** Throws `bad-input` for a request that no engine could answer. */
export function assertWellFormed({ messages, continue: continues }: ChatRequest): void {
  if (messages.length === 0) throw new LmappError('bad-input', 'There is no message to answer.')
  if (!continues || messages.at(-1)?.role === 'assistant') return
  throw new LmappError('bad-input', 'Only an answer can be continued, and the last message is none.')
}

/**
 * Whether the prompt fits, by an estimate: what was wished for, and what the engine has. Throws `context-overflow` when
 * even the fewest tokens that the prompt can have do not fit; warns when the most do not.
 */
export function checkFit(request: ChatRequest, served: number | undefined): Warning[] {
  const wanted = request.options?.contextLength
  const contextLength = Math.min(wanted ?? Number.POSITIVE_INFINITY, served ?? Number.POSITIVE_INFINITY)
  const fewest = fewestTokens(request.messages)
  if (fewest > contextLength) {
    const error = new LmappError(
      'context-overflow',
      `The prompt has at least ${fewest} tokens, and the context has ${contextLength}.`,
      { details: { model: request.model, promptTokens: fewest, contextLength } },
    )
    throw withUsefulHint(error, contextLength === served)
  }
  const most = mostTokens(request)
  if (most <= contextLength) return []
  return [
    {
      type: 'warning',
      code: 'context-near-limit',
      message: `The prompt may not fit: up to ${most} tokens by an estimate, and the context has ${contextLength}.`,
    },
  ]
}

/** Compares with what the engine says that it read. `exact`: its count is known to be true. Throws `prompt-truncated`. */
export function checkReading(
  { messages }: ChatRequest,
  { usage }: Finish,
  report: { engine: string; exact: boolean; contextLength: number | undefined },
): Warning | undefined {
  const { contextLength, ...others } = report
  try {
    return checkPromptWasRead(messages, {
      ...others,
      ...(usage.inputTokens !== undefined && { readTokens: usage.inputTokens }),
      ...(contextLength !== undefined && { contextLength }),
    })
  } catch (error) {
    // No request can raise the context of these engines.
    throw withUsefulHint(error, true)
  }
}
