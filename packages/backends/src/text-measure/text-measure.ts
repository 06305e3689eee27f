/** Bounds for the tokens of a text when nobody can count them. */
export interface TextMeasure {
  /** Generous: half a token for an ASCII letter or space (English needs a quarter), one for each other byte. */
  most: number
  /** Words between ASCII white space: no usual tokenizer makes one token of two. */
  fewest: number
  /** Fewer is not to be expected: a token for three East Asian characters or eight others, runs of one character left out. */
  expected: number
}

/** One pass, since a prompt may have many megabytes. */
export function measureText(text: string): TextMeasure {
  let cheap = 0
  let otherBytes = 0
  let words = 0
  let eastAsian = 0
  let others = 0
  let previous = 0x20
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    const space = isSpace(code)
    if (space || isLetter(code)) cheap += 1
    else otherBytes += bytesOf(code)
    if (!space && isSpace(previous)) words += 1
    if (code !== previous) {
      if (isEastAsian(code)) eastAsian += 1
      else others += 1
    }
    previous = code
  }
  return { most: Math.ceil(cheap / 2) + otherBytes, fewest: words, expected: Math.floor(eastAsian / 3 + others / 8) }
}

function isSpace(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d)
}

function isLetter(code: number): boolean {
  const lower = code | 0x20
  return lower >= 0x61 && lower <= 0x7a
}

/** Of UTF-8, for one UTF-16 unit; each half of a pair is half of four. */
function bytesOf(code: number): number {
  if (code < 0x80) return 1
  return code < 0x800 || (code >= 0xd800 && code <= 0xdfff) ? 2 : 3
}

/** Kana, Han, Hangul. */
function isEastAsian(code: number): boolean {
  return (code >= 0x3040 && code <= 0x9fff) || (code >= 0xac00 && code <= 0xd7a3)
}
