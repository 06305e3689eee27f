const target =
  /[ \n]*(?:<([^<>\n]*)>|((?:[^\s()\\]|\\.|\((?:[^\s()\\]|\\.)*\))*))(?:[ \n]+(?:"[^"]*"|'[^']*'|\([^()]*\)))?[ \n]*\)/y
/** What may become a target when more of it comes. */
const partialTarget =
  /^[ \n]*(?:<[^<>\n]*>?|(?:[^\s()\\]|\\.|\((?:[^\s()\\]|\\.)*\))*(?:\([^\s()]*)?\\?)(?:[ \n]+(?:"[^"]*"?|'[^']*'?|\([^()]*\)?)?)?[ \n]*$/

/**
 * What follows `](`: the address and where the closing bracket ends; `unfinished` when the text ends within it;
 * undefined when it is none.
 */
export function readLinkTarget(
  source: string,
  start: number,
  reach: number,
): { url: string; end: number } | 'unfinished' | undefined {
  const rest = source.slice(start, start + reach - 2)
  target.lastIndex = 0
  const found = target.exec(rest)
  if (found) {
    const url = (found[1] ?? found[2] ?? '').replace(/\\([!-/:-@[-`{-~])/g, '$1')
    return { url, end: start + found[0].length }
  }
  return start + rest.length === source.length && partialTarget.test(rest) ? 'unfinished' : undefined
}

/** Only what a browser or a mail program opens: nothing that runs, and no file of this machine. */
export function isSafeUrl(url: string): boolean {
  return /^(?:https?:\/\/|mailto:)[^\s]{1,2000}$/i.test(url)
}

/** Printable ASCII, as a terminal wants it. */
export function toLinkUrl(url: string): string {
  return url.toWellFormed().replace(/[^\u0021-\u007e]/gu, (character) => encodeURIComponent(character))
}

/** A label that looks like an address must not hide another one. */
export function looksLikeUrl(label: string): boolean {
  return /:\/\/|^www\.|^[\w-]+(?:\.[\w-]+)+(?:\/|$)/i.test(label.trim())
}

/** Punctuation at its end belongs to the sentence, and so does a bracket that it did not open. */
export function trimUrl(found: string): string {
  let url = found.replace(/[?!.,:;'"*_~\]]+$/, '')
  while (url.endsWith(')') && url.split(')').length > url.split('(').length) {
    url = url.slice(0, -1).replace(/[?!.,:;'"*_~\]]+$/, '')
  }
  return url
}
