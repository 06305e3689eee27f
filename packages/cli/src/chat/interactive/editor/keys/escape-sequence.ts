import { controlName, csiKey, ss3Key } from './chords.ts'
import { type Key, toChord } from './key.ts'

/** What stands at the beginning of a text: how long it is, and what it means, if anything. */
export interface Sequence {
  readonly length: number
  readonly key?: Key | undefined
  readonly opensPaste?: true
}

const esc = '\u001b'
// biome-ignore lint/suspicious/noControlCharactersInRegex: an escape sequence begins with one
const csi = /^\u001b\[([0-?]*)([ -/]*)([@-~])?/
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is what ends an answer of the terminal
const stringEnd = /\u0007|\u001b\\/
const longestCsi = 4096

/**
 * Reads the text, which begins with an Escape. Undefined: more must come, unless `isOver`.
 * Sequences that mean no key are read whole all the same, so that nothing of them is taken for typing.
 */
export function readEscape(text: string, isOver: boolean): Sequence | undefined {
  const second = text.charAt(1)
  if (second === '') return isOver ? { length: 1, key: toChord('escape') } : undefined
  if (second === '[') return readCsi(text, isOver)
  if (second === 'O') return readSs3(text, isOver)
  if ('P]X^_'.includes(second)) return readString(text, isOver)
  if (second === esc) return readTwoEscapes(text, isOver)
  return readAlt(text)
}

function readCsi(text: string, isOver: boolean): Sequence | undefined {
  // The function keys of the Linux console: CSI [ A.
  if (text.charAt(2) === '[') return text.length > 3 || isOver ? { length: Math.min(4, text.length) } : undefined
  const [whole = '', parameters = '', between = '', final] = csi.exec(text) ?? []
  if (final === undefined) {
    if (whole.length < text.length || whole.length > longestCsi) return { length: whole.length }
    if (!isOver) return undefined
    return whole === `${esc}[` ? { length: 2, key: toChord('alt-[') } : { length: whole.length }
  }
  if (between !== '') return { length: whole.length }
  if (parameters === '200' && final === '~') return { length: whole.length, opensPaste: true }
  return { length: whole.length, key: csiKey(parameters, final) }
}

function readSs3(text: string, isOver: boolean): Sequence | undefined {
  const final = text.charAt(2)
  if (final === '') return isOver ? { length: 2, key: toChord('alt-o') } : undefined
  return /[@-~]/.test(final) ? { length: 3, key: ss3Key(final) } : { length: 2, key: toChord('alt-o') }
}

/** An answer of the terminal to a question that somebody asked it; alone it is Alt with that key. */
function readString(text: string, isOver: boolean): Sequence | undefined {
  const end = stringEnd.exec(text.slice(2))
  if (end) return { length: 2 + end.index + end[0].length }
  if (text.length === 2) return isOver ? { length: 2 } : undefined
  return isOver || text.length > longestCsi ? { length: text.length } : undefined
}

/** Alt with a key that sends a sequence, as older terminals write it; else Escape, and what follows. */
function readTwoEscapes(text: string, isOver: boolean): Sequence | undefined {
  const third = text.charAt(2)
  const alone: Sequence = { length: 1, key: toChord('escape') }
  if (third === '') return isOver ? alone : undefined
  if (third !== '[' && third !== 'O') return alone
  const inner = readEscape(text.slice(1), isOver)
  if (!inner) return undefined
  if (inner.opensPaste || inner.key?.type !== 'chord') return alone
  return { length: inner.length + 1, key: withAlt(inner.key.name) }
}

function readAlt(text: string): Sequence {
  const character = String.fromCodePoint(text.codePointAt(1) ?? 0)
  const name = controlName(character) ?? character.toLowerCase()
  return { length: 1 + character.length, key: withAlt(name === ' ' ? 'space' : name) }
}

function withAlt(name: string): Key {
  return toChord(name.startsWith('ctrl-') ? `ctrl-alt-${name.slice(5)}` : `alt-${name}`)
}
