import type { Stage } from './stage.ts'

/** No terminal line that is longer can be drawn anew by a carriage return: it has wrapped. */
const redrawableCharacters = 80
/** Those that are looked at are shorter. */
const knownParameters = 8
const spinnerGlyph = /^\s*[\u2800-\u28ff\u25d0-\u25d3]/

type State = 'text' | 'escape' | 'intermediate' | 'sequence' | 'string' | 'string-escape'

/**
 * Leaves of a terminal's text what a reader would see: escape sequences (ECMA-48), other control characters and the
 * earlier states of lines that are drawn anew (spinners, counters) are dropped. A line that is being drawn anew, or begins
 * as a spinner does, waits until it is finished or too long for that; all else goes on at once.
 */
export function createTerminalFilter(): Stage {
  let state: State = 'text'
  let parameters = ''
  let pendingReturn = false
  /** Of the line, what was not passed on. */
  let held = ''
  /** Whether of the line something was passed on. */
  let begun = false
  let redrawn = false
  let out = ''

  function take(character: string): void {
    if (pendingReturn && character !== '\r') {
      pendingReturn = false
      if (character !== '\n') drawAnew()
    }
    if (state === 'text') takeText(character)
    else state = takeEscape(character)
  }

  function takeText(character: string): void {
    if (character === '\x1b') state = 'escape'
    else if (character === '\x9b') state = beginSequence()
    else if (character === '\n') endLine()
    else if (character === '\r') pendingReturn = true
    else if (character === '\b') held = held.slice(0, endsInPair(held) ? -2 : -1)
    else if (!isControl(character)) held += character
  }

  function takeEscape(character: string): State {
    if (character === '\n') {
      // A sequence that was never finished ends with its line: nothing of the answer is lost to it.
      endLine()
      return 'text'
    }
    if (character === '\x1b') return state === 'string' ? 'string-escape' : 'escape'
    switch (state) {
      case 'intermediate':
        return isBetween(character, ' ', '/') ? 'intermediate' : 'text'
      case 'sequence':
        return takeSequence(character)
      case 'string':
        return character === '\x07' || character === '\x9c' ? 'text' : 'string'
      case 'string-escape':
        return character === '\\' ? 'text' : beginEscape(character)
      default:
        return beginEscape(character)
    }
  }

  function beginEscape(character: string): State {
    if (character === '[') return beginSequence()
    if (']PX^_'.includes(character)) return 'string'
    return isBetween(character, ' ', '/') ? 'intermediate' : 'text'
  }

  function takeSequence(character: string): State {
    if (isBetween(character, ' ', '?')) {
      if (parameters.length < knownParameters) parameters += character
      return 'sequence'
    }
    if (isRedrawing(character, parameters)) drawAnew()
    return 'text'
  }

  function beginSequence(): State {
    parameters = ''
    return 'sequence'
  }

  function drawAnew(): void {
    // What is out cannot be taken back: what replaces it stands on a line of its own.
    if (begun) out += '\n'
    begun = false
    held = ''
    redrawn = true
  }

  function endLine(): void {
    out += `${held}\n`
    held = ''
    begun = false
    redrawn = false
  }

  function release(): void {
    const isUnsure = pendingReturn || redrawn || (!begun && spinnerGlyph.test(held))
    if (held === '' || (isUnsure && held.length <= redrawableCharacters)) return
    out += held
    held = ''
    begun = true
    redrawn = false
  }

  function takeOut(): string {
    const text = out
    out = ''
    return text
  }

  return {
    push(text) {
      const isPlain = state === 'text' && !pendingReturn && held === '' && !redrawn && !needsCare.test(text)
      if (isPlain) {
        begun = text === '' ? begun : !text.endsWith('\n')
        return text
      }
      for (const character of text) take(character)
      release()
      return takeOut()
    },
    end() {
      const isSpinner = redrawn && spinnerGlyph.test(held)
      const text = takeOut() + (isSpinner ? '' : held)
      held = ''
      return text
    },
  }
}

/** Anything but text, lines and tabs, and what a line of a spinner may begin with. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const needsCare = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u2800-\u28ff\u25d0-\u25d3]/

/** Whether the last character is two units long. */
function endsInPair(text: string): boolean {
  return isBetween(text.slice(-1), '\udc00', '\udfff')
}

function isControl(character: string): boolean {
  return character !== '\t' && (character < ' ' || isBetween(character, '\x7f', '\x9f'))
}

function isBetween(character: string, first: string, last: string): boolean {
  return character >= first && character <= last
}

/** To the line's first column, or away with the whole line. */
function isRedrawing(final: string, parameters: string): boolean {
  return (final === 'G' && /^[01]?$/.test(parameters)) || (final === 'K' && parameters === '2')
}
