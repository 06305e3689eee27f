import type { Token } from 'node-llama-cpp'

export interface RememberedAnswer {
  text: string
  tokens: readonly Token[]
  /** Length of the text after each token. */
  ends: readonly number[]
}

/**
 * The tokens of the last answers. The same text can be cut into tokens in several ways; what comes back as history, or
 * to be continued, must be cut as the model wrote it, or its evaluated state is of no use.
 */
export interface AnswerMemory {
  keep(answer: RememberedAnswer): void
  /** Tokens of an answer that is this text, or begins with it and had a token's end there. */
  find(text: string): readonly Token[] | undefined
}

export function createAnswerMemory(most = 64): AnswerMemory {
  const answers: RememberedAnswer[] = []
  return {
    keep(answer) {
      if (answer.tokens.length === 0) return
      answers.unshift(answer)
      answers.length = Math.min(answers.length, most)
    },
    find(text) {
      for (const answer of answers) {
        if (!answer.text.startsWith(text)) continue
        const last = answer.ends.indexOf(text.length)
        if (last >= 0) return answer.tokens.slice(0, last + 1)
      }
      return undefined
    },
  }
}
