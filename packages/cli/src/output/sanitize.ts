// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g

/**
 * Text of a model or an engine, safe for a terminal: control characters are shown, not obeyed,
 * so that no answer can move the cursor, change the title or write to the clipboard.
 */
export function toTerminalText(text: string): string {
  return text.replace(controls, (character) => {
    const code = character.charCodeAt(0)
    if (character === '\r') return ''
    return code < 0x20 ? String.fromCharCode(0x2400 + code) : '\ufffd'
  })
}

/** By these a text looks as if other words stood there. */
const turns = /[\u202a-\u202e]/g

/** The same on one line, for names and messages. */
export function toOneLine(text: string): string {
  return toTerminalText(text.replace(/\s+/g, ' ').trim()).replace(turns, '\ufffd')
}
