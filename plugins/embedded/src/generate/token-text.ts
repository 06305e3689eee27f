import type { LlamaModel, Token } from 'node-llama-cpp'

type Vocabulary = Pick<LlamaModel, 'tokenize' | 'detokenize'>

/** Turns tokens into text as they come. A character that is not whole yet is held back. */
export interface TokenText {
  push(token: Token): string
  /** What is still held back, however broken it is. */
  flush(): string
}

/** Characters have at most four bytes, so a fifth token means that the bytes will never be a character. */
const mostHeldTokens = 4
const recentTokens = 8

export function createTokenText(model: Vocabulary, before: readonly Token[]): TokenText {
  const recent = before.slice(-recentTokens)
  const marks = thinkMarks(model)
  let held: Token[] = []

  const textOfHeld = (): string => model.detokenize(held, false, recent)

  function release(text: string): string {
    recent.push(...held)
    recent.splice(0, recent.length - recentTokens)
    held = []
    return text
  }

  return {
    push(token) {
      const mark = marks.get(token)
      if (mark !== undefined) return release(textOfHeld()) + mark
      held.push(token)
      const text = textOfHeld()
      return text.endsWith('\uFFFD') && held.length < mostHeldTokens ? '' : release(text)
    },
    flush: () => release(textOfHeld()),
  }
}

/** Where the tags of a thought are special tokens, llama.cpp gives no text for them. */
function thinkMarks(model: Vocabulary): Map<Token, string> {
  const marks = new Map<Token, string>()
  for (const mark of ['<think>', '</think>']) {
    const [token, ...more] = model.tokenize(mark, true)
    if (token !== undefined && more.length === 0 && model.detokenize([token], false) === '') marks.set(token, mark)
  }
  return marks
}
