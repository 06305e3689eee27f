import { setImmediate } from 'node:timers/promises'
import type { LlamaModel, Token } from 'node-llama-cpp'
import type { AnswerMemory } from './answer-memory.ts'
import type { PromptPiece } from './render-prompt.ts'

const longestStretch = 64 * 1024

/** Tokens of a prompt, piece by piece; only the template's pieces may hold special tokens. */
export async function tokenizePrompt(
  model: LlamaModel,
  memory: AnswerMemory,
  pieces: readonly PromptPiece[],
  signal?: AbortSignal,
): Promise<Token[]> {
  const tokens: Token[] = []
  const { bos, shouldPrependBosToken } = model.tokens
  for (const piece of pieces) {
    const remembered = piece.origin === 'answer' ? memory.find(piece.text) : undefined
    if (remembered) append(tokens, remembered)
    else await appendText(model, tokens, piece, signal)
  }
  return shouldPrependBosToken && bos !== null && tokens[0] !== bos ? [bos, ...tokens] : tokens
}

/** Long texts are cut at spaces, so that other work gets its turn in between. */
export async function appendText(
  model: LlamaModel,
  tokens: Token[],
  { text, origin }: PromptPiece,
  signal?: AbortSignal,
): Promise<void> {
  for (let start = 0; start < text.length; ) {
    signal?.throwIfAborted()
    const end = stretchEnd(text, start)
    append(tokens, tokenizeStretch(model, text.slice(start, end), origin === 'template', tokens.length > 0))
    start = end
    if (start < text.length) await setImmediate()
  }
}

export function tokenizeStretch(
  model: Pick<LlamaModel, 'vocabularyType' | 'tokenize'>,
  text: string,
  special: boolean,
  follows: boolean,
): Token[] {
  // These vocabularies put a space before whatever they are given; only the beginning of a prompt wants it.
  const addsSpace = follows && `${model.vocabularyType}` === 'spm'
  return model.tokenize(text, special, addsSpace ? 'trimLeadingSpace' : undefined)
}

function stretchEnd(text: string, start: number): number {
  const limit = start + longestStretch
  if (limit >= text.length) return text.length
  const space = Math.max(text.lastIndexOf(' ', limit), text.lastIndexOf('\n', limit))
  if (space > start) return space
  const code = text.charCodeAt(limit)
  return code >= 0xdc00 && code <= 0xdfff ? limit - 1 : limit
}

/** `push(...)` would overflow the stack. */
function append(tokens: Token[], more: readonly Token[]): void {
  for (const token of more) tokens.push(token)
}
