import { type Key, toChord } from './key.ts'

const ascii: Record<string, string> = {
  '\u0000': 'ctrl-space',
  '\b': 'backspace',
  '\t': 'tab',
  '\r': 'enter',
  '\u001c': 'ctrl-\\',
  '\u001d': 'ctrl-]',
  '\u001e': 'ctrl-^',
  '\u001f': 'ctrl-_',
  '\u007f': 'backspace',
}

/** Of a control character; those of the upper half have no key. */
export function controlName(character: string): string | undefined {
  const code = character.charCodeAt(0)
  if (code > 0 && code < 27) return ascii[character] ?? `ctrl-${String.fromCharCode(code + 96)}`
  return ascii[character]
}

const letterKeys: Record<string, string> = {
  A: 'up',
  B: 'down',
  C: 'right',
  D: 'left',
  F: 'end',
  H: 'home',
  M: 'enter',
}

const tildeKeys: Record<number, string> = {
  1: 'home',
  2: 'insert',
  3: 'delete',
  4: 'end',
  5: 'page-up',
  6: 'page-down',
  7: 'home',
  8: 'end',
}

/** Of `ESC O x`, as keypads and some function keys send it; small letters are rxvt's, with Ctrl. */
export function ss3Key(final: string): Key | undefined {
  const name = letterKeys[final] ?? (letterKeys[final.toUpperCase()] && `ctrl-${letterKeys[final.toUpperCase()]}`)
  return name === undefined ? undefined : toChord(name)
}

/** Of `CSI parameters final`. Undefined: it is no key, or none that means anything here. */
export function csiKey(parameters: string, final: string): Key | undefined {
  const fields = parameters.split(';').map((field) => field.split(':').map((value) => Number.parseInt(value, 10)))
  const [first = [], second = [], third = []] = fields
  const [held = 1, event = 1] = second
  if (event === 3) return undefined
  if (final === 'u') return codeKey(first, held)
  if (final === 'Z') return toChord('shift-tab')
  if (final !== '~') return named(letterKeys[final], held)
  if (first[0] === 27) return codeKey(third, held)
  return named(tildeKeys[first[0] ?? 0], held)
}

const codeKeys: Record<number, string> = {
  8: 'backspace',
  9: 'tab',
  13: 'enter',
  27: 'escape',
  32: 'space',
  127: 'backspace',
  57414: 'enter',
  57417: 'left',
  57418: 'right',
  57419: 'up',
  57420: 'down',
  57421: 'page-up',
  57422: 'page-down',
  57423: 'home',
  57424: 'end',
  57425: 'insert',
  57426: 'delete',
}
/** What the keys of a keypad write, from 57399 on. */
const keypad = '0123456789./*-+'

const modifiers = { shift: 1, alt: 2, ctrl: 4, others: 8 | 16 | 32 }

/**
 * A key by its code point, that of the same key with Shift, and that of the same place on an American keyboard:
 * so Ctrl-C is the same key under a Cyrillic layout.
 * From https://sw.kovidgoyal.net/kitty/keyboard-protocol/
 */
function codeKey(
  [code = 0, shifted = Number.NaN, base = Number.NaN]: readonly number[],
  held: number,
): Key | undefined {
  const bits = bitsOf(held)
  const isTyped = (bits & (modifiers.alt | modifiers.ctrl | modifiers.others)) === 0
  const name = codeKeys[code]
  if (name !== undefined && !(name === 'space' && isTyped)) return named(name, held)
  const typed = keypad[code - 57399] ?? toCharacter(code)
  if (typed === undefined) return undefined
  if (!isTyped) return withModifiers(typed, { shifted: toCharacter(shifted), base: toCharacter(base), bits })
  const text = bits & modifiers.shift ? (toCharacter(shifted) ?? typed.toUpperCase()) : typed
  return { type: 'text', text }
}

interface Modified {
  shifted: string | undefined
  base: string | undefined
  bits: number
}

/** Shift is named only with letters: with other keys it makes another character. */
function withModifiers(typed: string, { shifted, base, bits }: Modified): Key | undefined {
  const isShifted = (bits & modifiers.shift) !== 0
  const letter = (typed > '\u007f' && base ? base : typed).toLowerCase()
  if (/[a-z]/.test(letter)) return named(letter, bits + 1)
  return named(isShifted ? (shifted ?? letter) : letter, (bits & ~modifiers.shift) + 1)
}

function named(name: string | undefined, held: number): Key | undefined {
  const bits = bitsOf(held)
  if (name === undefined || bits & modifiers.others) return undefined
  const ctrl = bits & modifiers.ctrl ? 'ctrl-' : ''
  const alt = bits & modifiers.alt ? 'alt-' : ''
  const shift = bits & modifiers.shift ? 'shift-' : ''
  return toChord(`${ctrl}${alt}${shift}${name}`)
}

/** Caps Lock and Num Lock are in it too, and mean nothing. */
function bitsOf(held: number): number {
  return Number.isNaN(held) ? 0 : Math.max(0, held - 1) & (7 | modifiers.others)
}

function toCharacter(code: number): string | undefined {
  const isPrivate = code >= 0xe000 && code <= 0xf8ff
  const isSurrogate = code >= 0xd800 && code <= 0xdfff
  const isText = code >= 0x20 && code <= 0x10ffff && !(code >= 0x7f && code < 0xa0)
  return isText && !isPrivate && !isSurrogate ? String.fromCodePoint(code) : undefined
}
