import type { EndingStage } from './stage.ts'

/** What has no spaces ends too. */
const lettersOfPiece = 64

/**
 * Ends the answer before more than `limit` words; one without end counts again every 64 letters. A word has at least one
 * token, so that nothing is cut which a limit in tokens would have let pass.
 */
export function createWordLimit(limit: number): EndingStage {
  let words = 0
  let letters = 0
  let ended = false
  return {
    get ended() {
      return ended
    },
    push(text) {
      let length = 0
      for (const character of text) {
        const isSpace = character.trim() === ''
        if (!isSpace && letters % lettersOfPiece === 0) words += 1
        if (words > limit) {
          ended = true
          return text.slice(0, length).trimEnd()
        }
        letters = isSpace ? 0 : letters + 1
        length += character.length
      }
      return text
    },
    end: () => '',
  }
}
