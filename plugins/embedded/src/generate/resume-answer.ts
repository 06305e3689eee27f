import type { LlamaContextSequence, LlamaModel, Token } from 'node-llama-cpp'
import type { Reader } from '../engine/vocabulary.ts'
import { appendText } from '../prompt/tokenize.ts'

/**
 * How a partial answer is taken up. `tokens` hold its text up to `withdrawn`: the last word, whose end may lie within
 * a token. The model has to write that again, so that the token it would have chosen can be found.
 */
export interface Resumption {
  /** The whole partial answer. */
  raw: string
  tokens: Token[]
  /** A part of `raw`; empty when a token is known to end where `raw` does. */
  withdrawn: string
}

const longestWithdrawn = 32
const mostTokensBack = 24

export async function resumeAnswer(
  loaded: Reader,
  raw: string,
  before: readonly Token[],
  signal?: AbortSignal,
): Promise<Resumption> {
  const remembered = loaded.answers.find(raw)
  if (remembered) return { raw, tokens: [...remembered], withdrawn: '' }
  const { model } = loaded
  const all = [...before]
  await appendText(model, all, { text: raw, origin: 'answer' }, signal)
  const tokens = all.slice(before.length)
  const word = /\s*\S*$/.exec(raw.slice(-longestWithdrawn))?.[0] ?? ''
  for (let index = tokens.length - 1; index >= Math.max(0, tokens.length - mostTokensBack); index--) {
    const tail = model.detokenize(tokens.slice(index), false, [...before.slice(-1), ...tokens.slice(0, index)])
    if (tail.length < word.length || !raw.endsWith(tail)) continue
    return { raw, tokens: tokens.slice(0, index), withdrawn: tail }
  }
  return { raw, tokens, withdrawn: '' }
}

export interface RewrittenWord {
  tokens: Token[]
  /** What the last token says beyond the withdrawn text. */
  beyond: string
  /** The last of `tokens`, not read yet, or more where the model knows no way to write the word. */
  unread: Token[]
}

/**
 * Lets the model write the withdrawn text again: at each step the likeliest token that agrees with it.
 * A text that ended between two tokens of a greedy answer gives the same tokens again.
 */
export async function rewriteWord(
  sequence: LlamaContextSequence,
  unread: readonly Token[],
  withdrawn: string,
  signal: AbortSignal,
): Promise<RewrittenWord> {
  const { model } = sequence
  const tokens: Token[] = []
  let rest = withdrawn
  let pending = [...unread]
  for (;;) {
    signal.throwIfAborted()
    const before = [...sequence.contextTokens.slice(-8), ...pending]
    const step = agreeing(model, await likeliest(sequence, pending), rest, before)
    if (!step) {
      const usual = model.tokenize(rest, false)
      return { tokens: [...tokens, ...usual], beyond: '', unread: usual }
    }
    tokens.push(step.token)
    pending = [step.token]
    if (step.text.length >= rest.length) return { tokens, beyond: step.text.slice(rest.length), unread: pending }
    rest = rest.slice(step.text.length)
  }
}

/** Reads `tokens`, and gives what may come next, likeliest first. */
async function likeliest(sequence: LlamaContextSequence, tokens: readonly Token[]): Promise<Iterable<Token>> {
  const last = tokens.at(-1)
  if (last === undefined) return []
  const input = [
    ...tokens.slice(0, -1),
    [last, { generateNext: { probabilities: true, options: { temperature: 0 } } }] as const,
  ]
  const output = await sequence.controlledEvaluate(input.map((item) => (typeof item === 'number' ? item : [...item])))
  return output.at(-1)?.next.probabilities?.keys() ?? []
}

function agreeing(
  model: LlamaModel,
  candidates: Iterable<Token>,
  rest: string,
  before: readonly Token[],
): { token: Token; text: string } | undefined {
  for (const token of candidates) {
    if (model.isEogToken(token)) continue
    const text = model.detokenize([token], false, before)
    if (text !== '' && (text.startsWith(rest) || rest.startsWith(text))) return { token, text }
  }
  return undefined
}
