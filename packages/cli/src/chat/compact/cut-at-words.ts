import { measureText } from '@lmapp/backends/text-measure'

/**
 * The longest beginning that surely has at most so many tokens, and the rest: between words, unless that loses half of
 * it. At least one character is taken.
 */
export function cutAtWords(text: string, tokens: number): [beginning: string, rest: string] {
  const most = longestBeginning(text, tokens)
  if (most === text.length) return [text, '']
  const space = lastSpace(text, most)
  const cut = space > most / 2 ? space : withoutHalf(text, most)
  return [text.slice(0, cut), text.slice(cut)]
}

/** In UTF-16 units. No character has less than half a token. */
function longestBeginning(text: string, tokens: number): number {
  let fits = 0
  let over = Math.min(text.length, tokens * 2) + 1
  while (over - fits > 1) {
    const middle = Math.floor((fits + over) / 2)
    if (measureText(text.slice(0, middle)).most <= tokens) fits = middle
    else over = middle
  }
  return fits
}

/** Where the last white space of the beginning ends; 0: there is none. */
function lastSpace(text: string, length: number): number {
  for (let at = length; at > 0; at -= 1) if (/\s/.test(text.charAt(at - 1))) return at
  return 0
}

/** No half of a character stays alone; of a text that does not fit at all its first character is taken. */
function withoutHalf(text: string, length: number): number {
  const cut = Math.max(length, 1)
  const splits = /[\ud800-\udbff]/.test(text.charAt(cut - 1)) && /[\udc00-\udfff]/.test(text.charAt(cut))
  if (!splits) return cut
  return cut > 1 ? cut - 1 : cut + 1
}
