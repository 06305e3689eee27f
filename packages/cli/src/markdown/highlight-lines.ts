import type { createLowlight } from 'lowlight'
import { type Look, plainLook, type Span } from './look.ts'
import { codeLook } from './theme.ts'

type Lowlight = ReturnType<typeof createLowlight>
type Tree = ReturnType<Lowlight['highlight']>
type TreeNode = Tree['children'][number]

/** Paints code line by line. */
export interface LineHighlighter {
  /** The next line, which is complete. */
  next(line: string): Span[]
  /** What there is of the line after it. */
  open(line: string): Span[]
}

export interface Highlighter {
  /** Undefined for a language that it does not know. */
  forLanguage(name: string): LineHighlighter | undefined
}

/** A line of a program that was written by nobody; highlighting it would take long. */
const longestLine = 2000
const mostContext = 12

let loading: Promise<Highlighter> | undefined

/** Takes tenths of a second the first time: ask for it when code comes. */
export function loadHighlighter(): Promise<Highlighter> {
  loading ??= import('lowlight').then(({ common, createLowlight }) => createHighlighter(createLowlight(common)))
  return loading
}

function createHighlighter(lowlight: Lowlight): Highlighter {
  return {
    forLanguage: (name) => (lowlight.registered(name) ? createLineHighlighter(lowlight, name) : undefined),
  }
}

interface ContextLine {
  text: string
  indent: number
  /** It began what is still open, such as a comment. */
  opens: boolean
}

/**
 * The highlighter has no memory, so each line is given to it below the few lines that matter for it: those that it is
 * nested in by their indent, and those where a comment or a text of several lines began. So the work is linear, however
 * long the code is.
 */
function createLineHighlighter(lowlight: Lowlight, language: string): LineHighlighter {
  let context: ContextLine[] = []
  let isInside = false

  function contextOf(line: string): ContextLine[] {
    const indent = line.search(/\S/)
    return isInside ? context : context.filter((each) => each.indent < indent)
  }

  function paint(line: string): { spans: Span[]; starts: number[] } {
    const before = contextOf(line)
      .map(({ text }) => `${text}\n`)
      .join('')
    const { children } = lowlight.highlight(language, `${before}${line}\n`)
    const starts = openAtEnd(children).map((start) => start - before.length)
    return { spans: cutLine(toSpans(children), before.length, line.length), starts }
  }

  /** A line in which something ended means nothing without what began above it. */
  function remember(line: string, starts: readonly number[]): void {
    const wasInside = isInside
    context = contextOf(line)
    isInside = starts.length > 0
    const opens = starts.some((start) => start >= 0)
    if (wasInside && !isInside) context = context.filter((each) => !each.opens)
    if (opens || (!wasInside && !isInside)) context.push({ text: line, indent: line.search(/\S/), opens })
    if (context.length > mostContext) context.splice(context[0]?.opens ? 1 : 0, 1)
  }

  return {
    next(line) {
      if (line.length > longestLine || line.trim() === '') return [{ text: line, look: plainLook }]
      const { spans, starts } = paint(line)
      remember(line, starts)
      return spans
    },
    open: (line) => (line.length > longestLine ? [{ text: line, look: plainLook }] : paint(line).spans),
  }
}

function* toSpans(nodes: readonly TreeNode[], look: Look = plainLook): Generator<Span> {
  for (const node of nodes) {
    if (node.type === 'text') yield { text: node.value, look }
    else if (node.type === 'element') {
      const classes = Array.isArray(node.properties.className) ? node.properties.className.map(String) : []
      yield* toSpans(node.children, codeLook(classes, look))
    }
  }
}

function cutLine(spans: Iterable<Span>, from: number, length: number): Span[] {
  const cut: Span[] = []
  let offset = 0
  for (const { text, look } of spans) {
    const part = text.slice(Math.max(0, from - offset), Math.max(0, from + length - offset))
    if (part !== '') cut.push({ text: part, look })
    offset += text.length
  }
  return cut
}

/** Where those elements begin that reach to the very end: the text ends inside of them. */
function openAtEnd(nodes: readonly TreeNode[], start = 0): number[] {
  let offset = start
  for (const node of nodes.slice(0, -1)) offset += lengthOf(node)
  const last = nodes.at(-1)
  return last?.type === 'element' ? [offset, ...openAtEnd(last.children, offset)] : []
}

function lengthOf(node: TreeNode): number {
  if (node.type === 'text') return node.value.length
  return node.type === 'element' ? node.children.reduce((sum, child) => sum + lengthOf(child), 0) : 0
}
