import type { Look } from './look.ts'

/** A piece of a paragraph: what is seen, and which part of the source it stands for. A line feed is a row's end. */
export interface InlineNode {
  text: string
  look: Look
  url?: string
  /** Is never cut by us; a terminal breaks it if it must. */
  isWhole?: boolean
  /** Is seen as it was written. */
  readonly isPlain: boolean
  /** Of the source. */
  readonly start: number
  end: number
  /** How many emphases and links it is inside of. */
  level: number
}

/** A paragraph so far. */
export interface Inline {
  readonly nodes: readonly InlineNode[]
  /** So many visible characters stay as they are, whatever follows. */
  readonly stable: number
}

export function visibleLength(nodes: readonly InlineNode[]): number {
  return nodes.reduce((sum, { text }) => sum + text.length, 0)
}

/** Visible characters that stand for the source before an offset. */
export function visibleBefore(nodes: readonly InlineNode[], offset: number): number {
  let visible = 0
  for (const node of nodes) {
    if (node.end > offset) {
      return visible + (node.isPlain ? Math.max(0, offset - node.start) : 0)
    }
    visible += node.text.length
  }
  return visible
}

/**
 * The last place at or before so many visible characters where nothing is open: the source can be forgotten up to there.
 */
export function findCut(nodes: readonly InlineNode[], visible: number): { source: number; visible: number } {
  let cut = { source: 0, visible: 0 }
  let seen = 0
  for (const { text, start, end, level, isPlain } of nodes) {
    if (level === 0) {
      const inside = isPlain ? Math.min(text.length, visible - seen) : 0
      cut = { source: start + inside, visible: seen + inside }
      if (seen >= visible) return cut
    }
    seen += text.length
    if (seen > visible) return cut
    if (level === 0) cut = { source: end, visible: seen }
  }
  return cut
}
