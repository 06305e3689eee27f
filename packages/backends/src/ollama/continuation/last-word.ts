/**
 * Where a partial answer is cut before it is taken up: its last word may end within a token of this model, so the model
 * has to write it again, by which the tokens are found that it would have chosen.
 */
export interface WordCut {
  kept: string
  /** At most 32 characters, empty for an empty text. */
  withdrawn: string
}

/** Characters. Longer words are few, and each costs a request for every token. */
const longestWord = 32

/**
 * Tokens begin with the white space before a word, and may join it to the punctuation before that. Where nothing else
 * parts the text, as in Chinese, punctuation does, which ends what stands before it.
 */
const endings = [/[^\s\p{L}\p{M}\p{N}]*\s*\S*$/u, /\s*\S*$/u, /[^\s\p{L}\p{M}\p{N}]+[\p{L}\p{M}\p{N}]*$/u]

/** Undefined where no word begins near the end. */
export function cutLastWord(text: string): WordCut | undefined {
  const end = text.slice(-longestWord * 2)
  for (const ending of endings) {
    const withdrawn = ending.exec(end)?.[0] ?? ''
    const isWhole = withdrawn.length === text.length
    const isWord = withdrawn.length <= longestWord && (isWhole || withdrawn !== '')
    if (isWord) return { kept: text.slice(0, text.length - withdrawn.length), withdrawn }
  }
  return undefined
}
