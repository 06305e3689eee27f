import type { BlockStart } from './block-reader.ts'
import { createCodeBlock } from './code-block.ts'
import type { Highlighter } from './highlight-lines.ts'
import { type Leaf, noRows } from './leaf.ts'
import { dim, plainLook } from './look.ts'
import { createParagraph } from './paragraph.ts'
import { headingLook, type Theme } from './theme.ts'

const longestRule = 40

/** The block that begins. */
export function openLeaf(start: BlockStart, theme: Theme, highlighter: Highlighter | undefined): Leaf {
  switch (start.type) {
    case 'paragraph':
      return createParagraph({ theme })
    case 'heading': {
      const marks = theme.keepsMarkers ? `${'#'.repeat(start.level)} ` : ''
      return createParagraph({ theme, marks, look: headingLook(start.level), isHeading: true })
    }
    case 'fence': {
      const [language = ''] = start.label.split(/[\s{,:]/)
      const lines = theme.colors ? highlighter?.forLanguage(language.toLowerCase()) : undefined
      return createCodeBlock({ theme, label: start.label, fence: start.fence, highlighter: lines })
    }
    case 'formula':
      return createCodeBlock({ theme, look: plainLook })
    case 'indented':
      return createCodeBlock({ theme })
    case 'rule':
      return createRule(theme)
    default:
      return start satisfies never
  }
}

function createRule(theme: Theme): Leaf {
  return {
    isSetOff: true,
    isVerbatim: false,
    add() {},
    endLine() {},
    take(width, isOver) {
      if (!isOver) return noRows
      const length = theme.colors && !theme.plain ? Math.min(width, longestRule) : 3
      return { final: [{ spans: [{ text: theme.line.repeat(length), look: dim }], width: length }], tail: [] }
    },
  }
}
