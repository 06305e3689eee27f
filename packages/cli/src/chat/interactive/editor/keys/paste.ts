import { stripVTControlCharacters } from 'node:util'
import type { Key } from './key.ts'

/** A paste on its way: it may come in many pieces, and is kept up to a bound. */
export interface PasteReader {
  /** Undefined: all of it belonged to the paste. Else what follows its end. */
  push(text: string): string | undefined
  toKey(): Key
}

const end = '\u001b[201~'
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g

export function createPasteReader(mostCharacters: number): PasteReader {
  let kept = ''
  let lost = 0
  /** What may be the beginning of its end. */
  let begun = ''

  function keep(text: string): void {
    const taken = text.slice(0, mostCharacters - kept.length)
    kept += taken
    lost += text.length - taken.length
  }

  return {
    push(text) {
      const whole = begun + text
      const at = whole.indexOf(end)
      const until = at < 0 ? whole.length - lengthOfBegun(whole) : at
      keep(whole.slice(0, until))
      begun = at < 0 ? whole.slice(until) : ''
      return at < 0 ? undefined : whole.slice(at + end.length)
    },
    toKey: () => ({ type: 'paste', text: toHarmless(kept), lost }),
  }
}

function lengthOfBegun(text: string): number {
  let length = Math.min(text.length, end.length - 1)
  while (length > 0 && !text.endsWith(end.slice(0, length))) length--
  return length
}

/** Colours and whatever else was copied with the text is taken out of it. */
function toHarmless(text: string): string {
  const plain = text.includes('\u001b') ? stripVTControlCharacters(text) : text
  return plain.replace(/\r\n?/g, '\n').replace(controls, '')
}
