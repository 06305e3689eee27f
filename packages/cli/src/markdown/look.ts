/** How text looks: a set of attributes and one colour, as bits, so that looks are joined by `|` and compared by `===`. */
export type Look = number

export const plainLook: Look = 0
export const bold: Look = 1
export const dim: Look = 2
export const italic: Look = 4
export const underline: Look = 8
export const strike: Look = 16

const colorShift = 8
export const red: Look = 31 << colorShift
export const green: Look = 32 << colorShift
export const yellow: Look = 33 << colorShift
export const blue: Look = 34 << colorShift
export const magenta: Look = 35 << colorShift
export const cyan: Look = 36 << colorShift

/** Text of one look, on one row. */
export interface Span {
  readonly text: string
  readonly look: Look
  /** Where a click leads, on a terminal that knows links. */
  readonly url?: string | undefined
}

const attributes = [
  [bold, 1],
  [dim, 2],
  [italic, 3],
  [underline, 4],
  [strike, 9],
] as const
const sequences = new Map<Look, string>()

/** The spans with the escape codes that show them. Every row ends as it began: nothing is left on. */
export function paintSpans(spans: readonly Span[], colors: boolean): string {
  let painted = ''
  for (const { text, look, url } of joinSpans(trimEnd(spans))) {
    const shown = colors && look !== plainLook ? `${toSequence(look)}${text}\u001b[m` : text
    painted += url === undefined ? shown : `\u001b]8;;${url}\u001b\\${shown}\u001b]8;;\u001b\\`
  }
  return painted
}

/** Spaces at the end of a row are never copied along, because they are not there. */
function trimEnd(spans: readonly Span[]): Span[] {
  const trimmed = [...spans]
  for (let last = trimmed.pop(); last; last = trimmed.pop()) {
    const text = last.text.trimEnd()
    if (text !== '') return [...trimmed, { ...last, text }]
  }
  return trimmed
}

function* joinSpans(spans: readonly Span[]): Generator<Span> {
  let open: Span | undefined
  for (const span of spans) {
    if (open && open.look === span.look && open.url === span.url) open = { ...open, text: open.text + span.text }
    else {
      if (open) yield open
      open = span
    }
  }
  if (open) yield open
}

function toSequence(look: Look): string {
  const known = sequences.get(look)
  if (known !== undefined) return known
  const codes: number[] = attributes.filter(([bit]) => (look & bit) !== 0).map(([, code]) => code)
  if (look >> colorShift > 0) codes.push(look >> colorShift)
  const sequence = `\u001b[${codes.join(';')}m`
  sequences.set(look, sequence)
  return sequence
}
