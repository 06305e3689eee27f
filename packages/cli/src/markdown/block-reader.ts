import type { Container, Item } from './containers.ts'
import { type LineMeaning, type OpenLeaf, readLineStart } from './line-start.ts'

export type BlockStart = Exclude<LineMeaning, { type: 'blank' | 'continue' | 'end' | 'table' | 'empty' }>
export type TableStart = Extract<LineMeaning, { type: 'table' }>

/** Hears which blocks a Markdown text consists of, while it comes. */
export interface BlockSink {
  open(start: BlockStart, containers: readonly Container[]): void
  /** More of the current line of the open block. */
  add(text: string): void
  endLine(): void
  close(): void
  /** A blank line between blocks. */
  blank(): void
  /** The open paragraph was the head of a table. */
  becomeTable(start: TableStart): void
  /** The first line of the open paragraph, as long as a table may begin with it. */
  readonly header: string | undefined
}

export interface BlockReader {
  push(text: string): void
  end(): void
}

/** Tells blocks as soon as the beginning of a line says what it is; the text of a line need not be complete. */
export function createBlockReader(sink: BlockSink): BlockReader {
  let containers: readonly Container[] = []
  let leaf: OpenLeaf | undefined
  let waiting = ''
  let isInLine = false

  function close(): void {
    if (!leaf) return
    leaf = undefined
    sink.close()
  }

  function open(start: BlockStart): void {
    close()
    leaf = toLeaf(start)
    sink.open(start, containers)
    if (start.type === 'rule') close()
  }

  function addRest(rest: string): void {
    sink.add(rest)
    isInLine = true
  }

  function startLine(line: string, isComplete: boolean): boolean {
    const known = leaf?.kind === 'paragraph' ? { ...leaf, header: sink.header } : leaf
    const start = readLineStart(line, { containers, leaf: known, isComplete })
    if (!start) return false
    const { matched, opened, meaning, rest } = start
    if (matched < containers.length || opened.length > 0) {
      close()
      containers = [...containers.slice(0, matched), ...opened.map((each, at) => number(each, at, matched))]
    }
    apply(meaning, rest)
    return true
  }

  /** Items of one list are counted from the first of them. */
  function number(opened: Container, at: number, matched: number): Container {
    const before = at === 0 ? containers[matched] : undefined
    if (opened.kind !== 'item' || opened.number === undefined || before?.kind !== 'item') return opened
    const isSibling = before.number !== undefined && before.delimiter === opened.delimiter
    return isSibling ? ({ ...opened, number: before.number + 1 } satisfies Item) : opened
  }

  function apply(meaning: LineMeaning, rest: string) {
    switch (meaning.type) {
      case 'continue':
        return addRest(rest)
      case 'end':
        if (rest.trim() !== '') sink.add(rest)
        else if (leaf?.kind === 'formula') return apply({ type: 'blank' }, '')
        return close()
      case 'blank':
        if (leaf?.kind === 'indented') return sink.endLine()
        close()
        return sink.blank()
      case 'empty':
        open({ type: 'paragraph' })
        return close()
      case 'table':
        leaf = { kind: 'table' }
        return sink.becomeTable(meaning)
      case 'rule':
      case 'fence':
        return open(meaning)
      default:
        open(meaning)
        addRest(rest)
    }
  }

  function endLine(): void {
    isInLine = false
    sink.endLine()
    if (leaf?.kind === 'heading') close()
  }

  return {
    push(text) {
      waiting += text
      let at = 0
      while (at < waiting.length) {
        const feed = waiting.indexOf('\n', at)
        const end = feed < 0 ? waiting.length : feed
        if (isInLine) sink.add(waiting.slice(at, end))
        else if (!startLine(waiting.slice(at, end), feed >= 0)) break
        if (feed >= 0 && isInLine) endLine()
        at = feed < 0 ? end : feed + 1
      }
      waiting = waiting.slice(at)
    },
    end() {
      if (waiting !== '') startLine(waiting, true)
      waiting = ''
      close()
    },
  }
}

function toLeaf(start: BlockStart): OpenLeaf {
  switch (start.type) {
    case 'fence':
      return { kind: 'fence', fence: start.fence, indent: start.indent }
    case 'formula':
      return { kind: 'formula', closer: start.closer }
    case 'paragraph':
      return { kind: 'paragraph', header: undefined }
    case 'rule':
    case 'heading':
      return { kind: 'heading' }
    case 'indented':
      return { kind: 'indented' }
    default:
      return start satisfies never
  }
}
