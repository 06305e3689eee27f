import { controlName } from './chords.ts'
import { readEscape, type Sequence } from './escape-sequence.ts'
import { type Key, toChord } from './key.ts'
import { createPasteReader, type PasteReader } from './paste.ts'

/** Makes keys of the bytes of a terminal, in whatever pieces they come. */
export interface KeyParser {
  push(bytes: Uint8Array): Key[]
  /** What has begun and is not complete. An Escape may be a key of its own: only time tells. */
  readonly waitsFor: 'nothing' | 'escape' | 'sequence' | 'paste'
  /** Nothing more came in time: what has begun is taken as it is. */
  flush(): Key[]
}

/** Of one paste. A request to the service may be longer; the context of a model hardly is. */
const mostPasted = 1_000_000
// biome-ignore lint/suspicious/noControlCharactersInRegex: they end a run of text
const typed = /^[^\u0000-\u001f\u007f-\u009f]+/

export function createKeyParser(): KeyParser {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  let rest = ''
  let paste: PasteReader | undefined

  function take(isOver: boolean): Key[] {
    const keys: Key[] = []
    while (rest !== '') {
      if (paste) {
        takePaste(paste, keys)
        continue
      }
      const sequence = readSequence(rest, isOver)
      if (!sequence) break
      rest = rest.slice(sequence.length)
      if (sequence.opensPaste) paste = createPasteReader(mostPasted)
      else if (sequence.key) keys.push(sequence.key)
    }
    return keys
  }

  function takePaste(reader: PasteReader, keys: Key[]): void {
    const after = reader.push(rest)
    rest = after ?? ''
    if (after === undefined) return
    keys.push(reader.toKey())
    paste = undefined
  }

  return {
    push(bytes) {
      rest += decoder.decode(bytes, { stream: true })
      return take(false)
    },
    get waitsFor() {
      if (paste) return 'paste'
      if (rest === '') return 'nothing'
      return rest === '\u001b' || rest === '\u001b\u001b' ? 'escape' : 'sequence'
    },
    flush() {
      if (!paste) return take(true)
      const key = paste.toKey()
      paste = undefined
      return [key]
    },
  }
}

function readSequence(text: string, isOver: boolean): Sequence | undefined {
  const run = typed.exec(text)
  if (run) return { length: run[0].length, key: { type: 'text', text: run[0] } }
  if (text.startsWith('\u001b')) return readEscape(text, isOver)
  const name = controlName(text.charAt(0))
  return { length: 1, key: name === undefined ? undefined : toChord(name) }
}
