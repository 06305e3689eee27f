import { type Container, dropColumns, type Indent, type Item, indentOf } from './containers.ts'
import { type Alignment, isPartOfDelimiters, parseDelimiters, splitTableRow } from './table-syntax.ts'

/** The block that is being written, as far as the next line's meaning depends on it. */
export type OpenLeaf =
  | { kind: 'paragraph'; header: string | undefined }
  | { kind: 'fence'; fence: string; indent: number }
  | { kind: 'formula'; closer: string }
  | { kind: 'indented' | 'heading' | 'table' }

export type LineMeaning =
  | { type: 'blank' }
  | { type: 'rule' }
  | { type: 'continue' }
  | { type: 'end' }
  | { type: 'paragraph' }
  | { type: 'indented' }
  /** An item of a list without a word. */
  | { type: 'empty' }
  | { type: 'formula'; closer: string }
  | { type: 'heading'; level: number }
  | { type: 'fence'; fence: string; indent: number; label: string }
  | { type: 'table'; alignments: Alignment[] }

/** What the beginning of a line says. */
export interface LineStart {
  /** So many of the open containers go on; the others end. */
  matched: number
  opened: Container[]
  meaning: LineMeaning
  /** What of the line is text of the block. */
  rest: string
}

export interface LineContext {
  containers: readonly Container[]
  leaf: OpenLeaf | undefined
  /** Whether all of the line is there. */
  isComplete: boolean
}

/** What is longer is text: a line must be understood by its first characters. */
const longestMark = 200
const longestIndent = 1000
const deepest = 16

/** Understands the beginning of a line; undefined when more of it is needed. */
export function readLineStart(line: string, context: LineContext): LineStart | undefined {
  const matching = matchContainers(line, context)
  if (!matching) return undefined
  const isInside = matching.matched === context.containers.length
  const { leaf } = context
  if (isInside && (leaf?.kind === 'fence' || leaf?.kind === 'formula')) return readVerbatim(leaf, matching, context)
  return new BlockStartReader(matching, context).read()
}

interface Matching {
  matched: number
  rest: string
  /** Columns of the rest that belong to the containers. */
  base: number
}

function matchContainers(line: string, context: LineContext): Matching | undefined {
  let rest = line
  let base = 0
  let matched = 0
  for (const container of context.containers) {
    const indent = indentOf(rest)
    const isBlank = indent.length === rest.length
    if (isBlank && !context.isComplete && rest.length < longestIndent) return undefined
    if (container.kind === 'quote') {
      if (indent.columns - base > 3 || rest[indent.length] !== '>') break
      const after = rest.slice(indent.length + 1)
      if (after === '' && !context.isComplete) return undefined
      rest = dropColumns(after, 1)
      base = 0
    } else if (isBlank || indent.columns >= container.content) base = container.content
    else {
      const isNested = indent.columns >= container.indent + 2 && context.leaf?.kind !== 'fence'
      const body = rest.slice(indent.length)
      if (isNested && !context.isComplete && /^(?:\d{1,9}[.)]?|[-+*])$/.test(body)) return undefined
      if (!isNested || !listMarker.test(body)) break
      base = indent.columns
    }
    matched += 1
  }
  return { matched, rest, base }
}

function readVerbatim(
  leaf: Extract<OpenLeaf, { kind: 'fence' | 'formula' }>,
  { matched, rest, base }: Matching,
  { isComplete }: LineContext,
): LineStart | undefined {
  const inside = dropColumns(rest, base)
  const result = (type: 'continue' | 'end', text: string): LineStart => ({
    matched,
    opened: [],
    meaning: { type },
    rest: text,
  })
  if (leaf.kind === 'formula') {
    if (!isComplete && inside.length < longestMark) return undefined
    const isEnd = inside.trim() === '' || (inside.length <= longestMark && inside.trimEnd().endsWith(leaf.closer))
    return result(isEnd ? 'end' : 'continue', inside)
  }
  const mark = leaf.fence[0] ?? '`'
  const { length, columns } = indentOf(inside)
  const body = inside.slice(length)
  const mayClose = columns <= 3 && body.length <= longestMark && (mark === '`' ? /^`*[ \t]*$/ : /^~*[ \t]*$/).test(body)
  if (mayClose && !isComplete && length < longestIndent) return undefined
  if (mayClose && body.trimEnd().length >= leaf.fence.length) return result('end', '')
  return result('continue', dropColumns(inside, leaf.indent))
}

const listMarker = /^(?:[-+*]|\d{1,9}[.)])(?=[ \t]|$)/
const ruleLine = /^(?:(?:-[ \t]*){3,}|(?:_[ \t]*){3,}|(?:\*[ \t]*){3,})$/
const rulePart = /^(?:(?:-[ \t]*)+|(?:_[ \t]*)+|(?:\*[ \t]*)+)$/

class BlockStartReader {
  readonly #context: LineContext
  readonly #matched: number
  readonly #opened: Container[] = []
  #rest: string
  #base: number
  #indent: Indent
  #body: string

  constructor({ matched, rest, base }: Matching, context: LineContext) {
    this.#context = context
    this.#matched = matched
    this.#rest = rest
    this.#base = base
    this.#indent = indentOf(rest)
    this.#body = rest.slice(this.#indent.length)
  }

  read(): LineStart | undefined {
    for (;;) {
      if (this.#body === '') return this.#readBlank()
      if (this.#isDelimiters()) return this.#isOpenEnded() ? undefined : this.#start(this.#table())
      if (this.#opened.length + this.#matched >= deepest) break
      const entered = this.#enter()
      if (entered === 'unknown') return undefined
      if (entered === 'no') break
      if (entered !== 'yes') return this.#start(entered)
    }
    const meaning = this.#readMeaning()
    if (!meaning) return undefined
    const isIndented = meaning.type === 'continue' && this.#context.leaf?.kind === 'indented'
    if (meaning.type === 'indented' || isIndented) this.#body = dropColumns(this.#rest, this.#base + 4)
    return this.#start(meaning)
  }

  #start(meaning: LineMeaning): LineStart {
    const isLazy = meaning.type === 'continue' && this.#context.leaf?.kind === 'paragraph'
    const matched = isLazy ? this.#context.containers.length : this.#matched
    return { matched, opened: this.#opened, meaning, rest: this.#body }
  }

  #readBlank(): LineStart | undefined {
    if (!this.#context.isComplete && this.#rest.length < longestIndent) return undefined
    return this.#start({ type: this.#opened.some(({ kind }) => kind === 'item') ? 'empty' : 'blank' })
  }

  /** A quote or an item of a list begins: `yes`. A rule looks like items of lists. */
  #enter(): 'yes' | 'no' | 'unknown' | LineMeaning {
    const isFar = this.#indent.columns - this.#base >= 4
    if (isFar && (!this.#isInItem || this.#indent.columns - this.#base >= 8)) return 'no'
    if (this.#body[0] === '>') {
      if (isFar) return 'no'
      this.#opened.push({ kind: 'quote' })
      return this.#move(dropColumns(this.#body.slice(1), 1), 0)
    }
    if (this.#body.length <= longestMark) {
      if (this.#isOpenEnded() && rulePart.test(this.#body)) return 'unknown'
      if (!isFar && this.#context.isComplete && ruleLine.test(this.#body)) return { type: 'rule' }
    }
    return this.#enterItem()
  }

  get #isInItem(): boolean {
    return (this.#opened.at(-1) ?? this.#context.containers[this.#matched - 1])?.kind === 'item'
  }

  #enterItem(): 'yes' | 'no' | 'unknown' | LineMeaning {
    if (!this.#context.isComplete && /^\d{1,9}[.)]?$/.test(this.#body)) return 'unknown'
    const [marker] = listMarker.exec(this.#body) ?? []
    if (marker === undefined) return 'no'
    const after = this.#body.slice(marker.length)
    const spaces = indentOf(after)
    const isEmpty = spaces.length === after.length
    if (isEmpty && !this.#context.isComplete) return 'unknown'
    const number = /\d/.test(marker) ? Number(marker.slice(0, -1)) : undefined
    if (this.#isParagraph && (isEmpty || (number !== undefined && number !== 1))) return 'no'
    const text = after.slice(spaces.length)
    if (!this.#context.isComplete && /^\[[ xX]?\]?$/.test(text)) return 'unknown'
    const box = /^\[([ xX])\][ \t]+/.exec(text)
    const padding = isEmpty || spaces.columns > 4 ? 1 : spaces.columns
    const item: Item = {
      kind: 'item',
      delimiter: marker.at(-1) ?? '',
      number,
      task: box ? (box[1] === ' ' ? 'open' : 'done') : undefined,
      indent: this.#indent.columns,
      content: this.#indent.columns + marker.length + padding,
    }
    this.#opened.push(item)
    const inside = box ? text.slice(box[0].length) : text
    return this.#move(inside === '' ? '' : ' '.repeat(item.content) + inside, item.content)
  }

  #move(rest: string, base: number): 'yes' {
    this.#rest = rest
    this.#base = base
    this.#indent = indentOf(rest)
    this.#body = rest.slice(this.#indent.length)
    return 'yes'
  }

  /** The paragraph goes on unless something begins here. */
  get #isParagraph(): boolean {
    return (
      this.#context.leaf?.kind === 'paragraph' &&
      this.#opened.length === 0 &&
      this.#matched === this.#context.containers.length
    )
  }

  get #isLeafOpen(): boolean {
    return this.#opened.length === 0 && this.#matched === this.#context.containers.length
  }

  #readMeaning(): LineMeaning | undefined {
    const extra = this.#indent.columns - this.#base
    const kind = this.#context.leaf?.kind
    const mayContinue = kind === 'paragraph' && this.#opened.length === 0
    if (extra >= 4 && !mayContinue) {
      return { type: kind === 'indented' && this.#isLeafOpen ? 'continue' : 'indented' }
    }
    if (extra < 4) {
      const marked = this.#readMarked(extra)
      if (marked !== 'none') return marked
    }
    if (kind === 'table' && this.#isLeafOpen) return this.#readTableRow()
    return { type: mayContinue ? 'continue' : 'paragraph' }
  }

  #readMarked(indent: number): LineMeaning | undefined | 'none' {
    const body = this.#body
    if (this.#isOpenEnded() && /^(?:#{1,6}|`{1,2}|~{1,2}|\$|\\)$/.test(body)) return undefined
    const [hashes] = /^#{1,6}(?=[ \t]|$)/.exec(body) ?? []
    if (hashes) {
      this.#body = body.slice(hashes.length).trimStart()
      if (this.#body === '' && this.#isOpenEnded() && body.length < longestMark) return undefined
      return { type: 'heading', level: hashes.length }
    }
    const isShort = body.length <= longestMark
    const [, fence = '', label = ''] = /^(`{3,}(?=[^`]*$)|~{3,})(.*)$/.exec(body) ?? []
    if (fence !== '' && isShort) {
      if (this.#isOpenEnded()) return undefined
      this.#body = ''
      return { type: 'fence', fence, indent, label: label.trim() }
    }
    const closer = body.startsWith('$$') ? '$$' : body.startsWith('\\[') ? '\\]' : undefined
    if (closer === undefined || !isShort) return 'none'
    if (this.#isOpenEnded()) return body.includes(closer, 2) ? 'none' : undefined
    return body.includes(closer, 2) ? 'none' : { type: 'formula', closer }
  }

  #readTableRow(): LineMeaning | undefined {
    if (this.#body.slice(0, longestMark).includes('|')) return { type: 'continue' }
    return this.#isOpenEnded() && this.#body.length <= longestMark ? undefined : { type: 'paragraph' }
  }

  /** Whether it is, or may become, the line below the head of a table. */
  #isDelimiters(): boolean {
    const { leaf } = this.#context
    if (leaf?.kind !== 'paragraph' || leaf.header === undefined || !this.#isLeafOpen) return false
    if (!isPartOfDelimiters(this.#body)) return false
    return this.#isOpenEnded() || this.#table().type === 'table'
  }

  #table(): LineMeaning {
    const { leaf } = this.#context
    const columns = leaf?.kind === 'paragraph' ? splitTableRow(leaf.header ?? '').length : 0
    const alignments = parseDelimiters(this.#body, columns)
    return alignments ? { type: 'table', alignments } : { type: 'continue' }
  }

  #isOpenEnded(): boolean {
    return !this.#context.isComplete
  }
}
