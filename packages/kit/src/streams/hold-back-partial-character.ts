/**
 * Cuts a text where its last character may be only half there (a high surrogate whose other half comes later).
 * Put `held` before the next piece; a delta never carries half a character.
 */
export function holdBackPartialCharacter(text: string): { ready: string; held: string } {
  const last = text.charCodeAt(text.length - 1)
  const isHigh = last >= 0xd800 && last <= 0xdbff
  return isHigh ? { ready: text.slice(0, -1), held: text.slice(-1) } : { ready: text, held: '' }
}
