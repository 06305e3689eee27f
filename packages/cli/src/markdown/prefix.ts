import { displayWidth } from '../output/width.ts'
import type { Container, Item } from './containers.ts'
import { dim, plainLook, type Span } from './look.ts'
import type { Theme } from './theme.ts'

/** What stands before the rows of a block: bars of quotes, markers of items or the room below them. */
export interface Prefix {
  readonly first: readonly Span[]
  readonly rest: readonly Span[]
  readonly width: number
  /** An item begins, whose marker was not shown yet. */
  readonly hasMarker: boolean
}

export interface Prefixes {
  of(containers: readonly Container[], options: { columns: number; isVerbatim: boolean }): Prefix
  /** The markers are on the screen: what follows stands below them. */
  settle(containers: readonly Container[]): void
}

interface Part {
  first: Span
  rest: Span
  width: number
}

export function createPrefixes(theme: Theme): Prefixes {
  const settled = new WeakSet<Container>()

  function toMarker({ number, delimiter, task }: Item, depth: number): string {
    const box = task === undefined ? '' : `${theme.boxes[task]} `
    if (number !== undefined) return `${number}${delimiter} ${box}`
    return box || `${theme.bullets[depth % theme.bullets.length]} `
  }

  /** A bar beside code would be copied with it. */
  function toPart(container: Container, depth: number, isVerbatim: boolean): Part {
    const isQuote = container.kind === 'quote'
    const shown = isQuote ? theme.quote : toMarker(container, depth)
    const width = displayWidth(shown)
    const room = { text: ' '.repeat(width), look: plainLook }
    if (isQuote && isVerbatim) return { first: room, rest: room, width }
    const mark = { text: shown, look: theme.plain ? plainLook : dim }
    return { first: isQuote || !settled.has(container) ? mark : room, rest: isQuote ? mark : room, width }
  }

  return {
    of(containers, { columns, isVerbatim }) {
      let depth = 0
      const parts = containers.map((container) =>
        toPart(container, container.kind === 'item' && container.number === undefined ? depth++ : 0, isVerbatim),
      )
      let width = parts.reduce((sum, part) => sum + part.width, 0)
      while (parts.length > 1 && width > columns / 2) width -= parts.shift()?.width ?? 0
      return {
        first: parts.map(({ first }) => first),
        rest: parts.map(({ rest }) => rest),
        width,
        hasMarker: containers.some((container) => container.kind === 'item' && !settled.has(container)),
      }
    },
    settle(containers) {
      for (const container of containers) settled.add(container)
    },
  }
}
