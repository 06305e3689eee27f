import type { TokenPiece } from './prompt-tokens.ts'

/**
 * Where a partial answer is taken up. Its last word may end within a token of this model, so it is withdrawn: the model
 * has to write it again, by which the token is found that it would have chosen.
 */
export interface ResumePoint {
  /** Those of the prompt and of what is kept. Undefined: of the prompt alone, since all was withdrawn. */
  tokens: number[] | undefined
  withdrawn: string
  withdrawnTokens: number
}

/** Characters. Scripts without spaces have no shorter word. */
const longestWord = 32

/** `pieces` of prompt and partial answer together. Undefined where they do not give its text again. */
export function findResumePoint(pieces: readonly TokenPiece[], partial: string): ResumePoint | undefined {
  const bytes = Buffer.from(partial)
  const least = Buffer.byteLength(lastWord(partial))
  let at = bytes.length
  for (let index = pieces.length; index >= 0; index -= 1) {
    if (bytes.length - at >= least && isCharacterStart(bytes[at])) {
      const tokens = pieces.slice(0, index).map(({ id }) => id)
      return { tokens, withdrawn: bytes.toString('utf8', at), withdrawnTokens: pieces.length - index }
    }
    const piece = pieces[index - 1]?.bytes
    if (!piece) return undefined
    const from = at - piece.length
    // The token began in the prompt: the text as it stands is not what the model would have written there.
    if (from < 0) return { tokens: undefined, withdrawn: partial, withdrawnTokens: pieces.length - index + 1 }
    if (!bytes.subarray(from, at).equals(piece)) return undefined
    at = from
  }
  return undefined
}

/** With the white space before it. */
function lastWord(text: string): string {
  const end = text.slice(-longestWord).replace(/^[\udc00-\udfff]/, '')
  return /\s*\S*$/.exec(end)?.[0] ?? ''
}

function isCharacterStart(byte: number | undefined): boolean {
  return byte === undefined || (byte & 0xc0) !== 0x80
}

/** A grammar that lets pass only what begins with this text. */
export function toBeginningWith(text: string): string {
  const literal = [...text].map(toGrammarCharacter).join('')
  return `root ::= "${literal}" .*`
}

function toGrammarCharacter(character: string): string {
  const code = character.codePointAt(0) ?? 0
  if (character === '"' || character === '\\') return `\\${character}`
  return code < 0x20 || code === 0x7f ? `\\x${code.toString(16).padStart(2, '0')}` : character
}
