import { toTerminalText } from '../output/sanitize.ts'
import { splitGraphemes } from '../output/width.ts'
import { createEmphasis } from './emphasis.ts'
import { decodeEntity, entityPattern } from './entities.ts'
import type { Inline, InlineNode } from './inline-nodes.ts'
import { visibleBefore } from './inline-nodes.ts'
import { isSafeUrl, looksLikeUrl, readLinkTarget, toLinkUrl, trimUrl } from './links.ts'
import { type Look, plainLook } from './look.ts'
import type { Theme } from './theme.ts'

export interface InlineOptions {
  /** Nothing follows. */
  isClosed: boolean
  /** The character before the text. */
  before: string
  /**
   * So many characters of source are waited for the end of what has begun; then it is text. It bounds what may still
   * change on the screen.
   */
  reach: number
  theme: Theme
}

const plainRun = /[^\\`*_~[\]!<&\nh$]+/y
const webUrl = /https?:\/\/[^\s<>`[\]\u3000-\u303f\uff00-\uffef]{1,2000}/y
const autolink = /<((?:https?:\/\/|mailto:)[^\s<>]{1,2000})>/y
const htmlTag = /<(?:\/?[a-z][\w-]*(?:\s[^<>\n]{0,1000})?\/?|!--[^<>\n]{0,1000}--)>/iy
const lineBreakTag = /^<br\s*\/?>$/i
const escapable = /[!-/:-@[-`{-~]/
/** A price is no formula: what is between two dollar signs is short, on one line, and touches them. */
const longestFormula = 80
const longestRun = 100

interface Bracket {
  node: InlineNode
  index: number
  delimiters: number
  isImage: boolean
}

/** The text between two marks of blocks: emphasis, code, links, formulas. Linear in the text for a given reach. */
export function parseInline(source: string, options: InlineOptions): Inline {
  return new InlineParser(source, options).parse()
}

class InlineParser {
  readonly #source: string
  readonly #options: InlineOptions
  readonly #nodes: InlineNode[] = []
  readonly #emphasis
  readonly #brackets: Bracket[] = []
  #at = 0
  /** From here on the source may come to mean something else. */
  #unstable: number

  constructor(source: string, options: InlineOptions) {
    this.#source = source
    this.#options = options
    this.#unstable = options.isClosed ? source.length : lastGraphemeOf(source)
    this.#emphasis = createEmphasis(this.#nodes, { reach: options.reach, theme: options.theme })
  }

  parse(): Inline {
    while (this.#at < this.#source.length) this.#step()
    this.#leaveBrackets()
    this.#waitFrom(this.#emphasis.end({ isPending: (start) => this.#isUnknown(start) }))
    const unstable = this.#emphasis.widen(this.#unstable)
    const stable = visibleBefore(this.#nodes, unstable)
    return { nodes: this.#nodes, stable }
  }

  #step() {
    const character = this.#source[this.#at] ?? ''
    switch (character) {
      case '\n':
        return this.#add('\n', 1)
      case '\\':
        return this.#escape()
      case '`':
        return this.#code()
      case '*':
      case '_':
      case '~':
        return this.#delimiters(character)
      case '[':
        return this.#openBracket(false)
      case '!':
        return this.#source[this.#at + 1] === '[' ? this.#openBracket(true) : this.#add('!', 1)
      case ']':
        return this.#closeBracket()
      case '<':
        return this.#angle()
      case '&':
        return this.#entity()
      case '$':
        return this.#formula()
      case 'h':
        return this.#address()
      default:
        return this.#add(this.#match(plainRun) ?? character)
    }
  }

  #escape() {
    const next = this.#source[this.#at + 1]
    if (next === undefined && !this.#options.isClosed) return this.#hideRest()
    if (next === '(' || next === '[') return this.#latex(next === '(' ? '\\)' : '\\]')
    if (next === ')' || next === ']') return this.#add(`\\${next}`)
    if (next === '\n') return this.#add('', 1)
    if (next === undefined || !escapable.test(next)) return this.#add('\\', 1)
    this.#add(next, 2)
  }

  /** A formula stays as it was written. */
  #latex(closer: string) {
    const end = this.#find(closer, this.#at + 2)
    if (end !== undefined) return this.#add(this.#source.slice(this.#at, end), end - this.#at, { isLiteral: true })
    if (this.#isPending(this.#at)) this.#waitFrom(this.#at)
    this.#add(this.#source.slice(this.#at, this.#at + 2))
  }

  #formula() {
    const isDisplay = this.#source[this.#at + 1] === '$'
    if (isDisplay) {
      const end = this.#find('$$', this.#at + 2)
      if (end !== undefined) return this.#add(this.#source.slice(this.#at, end), end - this.#at, { isLiteral: true })
      if (this.#isPending(this.#at)) this.#waitFrom(this.#at)
      return this.#add('$$')
    }
    const rest = this.#source.slice(this.#at, this.#at + longestFormula)
    const [formula] = /^\$(?=\S)[^$\n]*[^$\s]\$(?!\d|$)/.exec(rest) ?? []
    if (formula) return this.#add(formula, formula.length, { isLiteral: true })
    const mayCome = rest.length < longestFormula && !this.#options.isClosed && /^\$(?:$|\S[^$\n]*\$?$)/.test(rest)
    if (mayCome) this.#waitFrom(this.#at)
    else if (this.#options.isClosed) {
      const [last] = /^\$(?=\S)[^$\n]*[^$\s]\$$/.exec(rest) ?? []
      if (last && last.length === this.#source.length - this.#at)
        return this.#add(last, last.length, { isLiteral: true })
    }
    this.#add('$', 1)
  }

  #code() {
    const run = this.#runOf('`')
    const start = this.#at
    if (this.#isLine(run)) return this.#add(run)
    const isAtEnd = start + run.length === this.#source.length
    if (isAtEnd && !this.#options.isClosed) return this.#hideRest()
    const end = this.#findRun(run, start + run.length)
    if (end !== undefined) return this.#addCode(run, start, end)
    if (!this.#isPending(start)) return this.#add(run)
    this.#waitFrom(start)
    const partial = this.#source.slice(start + run.length).replace(/`+$/, '')
    this.#add(this.#marked(run, '') + partial.replaceAll('\n', ' '), this.#source.length - start, {
      look: this.#codeLook,
    })
  }

  #addCode(run: string, start: number, end: number): void {
    const inside = this.#source.slice(start + run.length, end - run.length).replaceAll('\n', ' ')
    const isPadded = /^ .* $/.test(inside) && inside.trim() !== ''
    const code = isPadded ? inside.slice(1, -1) : inside
    this.#add(this.#marked(run, '') + code + this.#marked(run, ''), end - start, { look: this.#codeLook })
  }

  #delimiters(character: '*' | '_' | '~') {
    const run = this.#runOf(character)
    const start = this.#at
    if (this.#isLine(run)) return this.#add(run)
    const isAtEnd = start + run.length === this.#source.length
    if (isAtEnd && !this.#options.isClosed) {
      this.#waitFrom(start)
      if (!this.#options.theme.keepsMarkers) return this.#hideRest()
    }
    this.#add(run, run.length, { isOwn: true })
    const node = this.#nodes.at(-1)
    const before = start > 0 ? characterBefore(this.#source, start) : this.#options.before
    const after = String.fromCodePoint(this.#source.codePointAt(start + run.length) ?? 0x20)
    if (node) this.#emphasis.add({ character, node, index: this.#nodes.length - 1, count: run.length, before, after })
  }

  #openBracket(isImage: boolean): void {
    this.#add(isImage ? '![' : '[', isImage ? 2 : 1, { isOwn: true })
    const node = this.#nodes.at(-1)
    if (node) this.#brackets.push({ node, index: this.#nodes.length - 1, delimiters: this.#emphasis.mark(), isImage })
  }

  #closeBracket() {
    const bracket = this.#brackets.at(-1)
    if (!bracket || this.#at + 2 - bracket.node.start > this.#options.reach) {
      this.#brackets.length = 0
      return this.#add(']', 1)
    }
    const next = this.#source[this.#at + 1]
    if (next === undefined && !this.#options.isClosed) return this.#hideRest(bracket.node.start)
    const target = next === '(' ? readLinkTarget(this.#source, this.#at + 2, this.#options.reach) : undefined
    if (target === 'unfinished' && this.#isPending(this.#at)) return this.#hideRest(bracket.node.start)
    this.#brackets.pop()
    if (target === undefined || target === 'unfinished') return this.#add(']', 1)
    this.#addLink(bracket, target.url, target.end)
  }

  #addLink(bracket: Bracket, url: string, end: number): void {
    const { theme } = this.#options
    this.#emphasis.endSince(bracket.delimiters)
    const inside = this.#nodes.slice(bracket.index + 1)
    const label = inside.map(({ text }) => text).join('')
    const shown = toTerminalText(url).replaceAll('\n', ' ')
    const isClickable = theme.hyperlinks && !bracket.isImage && isSafeUrl(url) && !looksLikeUrl(label)
    for (const node of inside) {
      node.level += 1
      node.look |= theme.link
      if (isClickable) node.url = toLinkUrl(url)
    }
    bracket.node.level += 1
    bracket.node.text = bracket.isImage ? '[image: ' : ''
    const isSaid = label === shown || shown === `mailto:${label}` || shown === `${label}/`
    const rest = bracket.isImage
      ? `] (${shown})`
      : isClickable || isSaid || shown === ''
        ? ''
        : `${label === '' ? '' : ' '}(${shown})`
    this.#add(rest, end - this.#at, { look: theme.url, isWhole: true, level: 1 })
    if (bracket.isImage) return
    for (const outer of this.#brackets.splice(0)) if (outer.isImage) this.#brackets.push(outer)
  }

  #angle() {
    const link = this.#match(autolink)
    if (link) return this.#addUrl(link.slice(1, -1), link.length)
    const tag = this.#match(htmlTag)
    if (tag && lineBreakTag.test(tag))
      return this.#add('\n', tag.length + (this.#source[this.#at + tag.length] === '\n' ? 1 : 0))
    if (tag) return this.#add(tag, tag.length, { isLiteral: true })
    if (
      this.#isPending(this.#at) &&
      /^<(?:[a-z/!][^<>\n]*)?$/i.test(this.#source.slice(this.#at, this.#at + this.#options.reach))
    ) {
      this.#waitFrom(this.#at)
      if (this.#source.startsWith('<http', this.#at)) return this.#add('', 1)
    }
    this.#add('<', 1)
  }

  #entity() {
    const entity = this.#match(entityPattern)
    if (entity) return this.#add(toTerminalText(decodeEntity(entity)).replaceAll('\n', ' '), entity.length)
    if (!this.#options.isClosed && /^&#?\w{0,31}$/.test(this.#source.slice(this.#at, this.#at + 34))) {
      this.#waitFrom(this.#at)
    }
    this.#add('&', 1)
  }

  #address() {
    if (!this.#options.isClosed && /^https?:?\/{0,2}$|^h(?:t|tt)?$/.test(this.#source.slice(this.#at, this.#at + 9))) {
      this.#waitFrom(this.#at)
    }
    const isInWord = /\w/.test(this.#at > 0 ? (this.#source[this.#at - 1] ?? '') : this.#options.before)
    const found = isInWord ? undefined : this.#match(webUrl)
    if (!found) return this.#add(this.#match(/h[^\\`*_~[\]!<&\nh$]*/y) ?? 'h')
    const url = trimUrl(found)
    const isAtEnd = this.#at + found.length === this.#source.length
    if (isAtEnd && !this.#options.isClosed) this.#waitFrom(this.#at)
    this.#addUrl(url, url.length)
  }

  #addUrl(url: string, length: number): void {
    const { theme } = this.#options
    this.#add(url, length, {
      look: theme.link,
      isWhole: true,
      level: 1,
      ...(theme.hyperlinks && isSafeUrl(url) && { url: toLinkUrl(url) }),
    })
  }

  /** A `[` of which nobody knows yet is not shown, where a link may begin: not in `list[0]`. */
  #leaveBrackets(): void {
    const pending = this.#brackets.filter(({ node }) => this.#isUnknown(node.start))
    for (const { node, isImage } of pending) {
      this.#waitFrom(node.start)
      const before = node.start > 0 ? characterBefore(this.#source, node.start) : this.#options.before
      if (!/[\w\])]/.test(before)) node.text = isImage ? '[image: ' : ''
    }
  }

  #add(
    text: string,
    length: number = text.length,
    { look = plainLook, isOwn = false, isLiteral = false, isWhole = false, level = 0, url = '' } = {},
  ): void {
    const start = this.#at
    this.#at += length
    const last = this.#nodes.at(-1)
    const isPlain = look === plainLook && !isOwn && !isLiteral && level === 0 && text !== '\n' && text.length === length
    if (isPlain && last?.isPlain) {
      last.text += text
      last.end = this.#at
      return
    }
    const node: InlineNode = { text, look, start, end: this.#at, level, isPlain }
    if (isWhole) node.isWhole = true
    if (url !== '') node.url = url
    this.#nodes.push(node)
  }

  get #codeLook(): Look {
    return this.#options.theme.code
  }

  #marked(marker: string, otherwise: string): string {
    return this.#options.theme.keepsMarkers ? marker : otherwise
  }

  #isPending(start: number): boolean {
    return !this.#options.isClosed && this.#source.length - start <= this.#options.reach
  }

  /** What ends it may be in the text that is not understood yet. */
  #isUnknown(start: number): boolean {
    return !this.#options.isClosed && this.#unstable - start <= this.#options.reach
  }

  #waitFrom(start: number): void {
    this.#unstable = Math.min(this.#unstable, start)
  }

  #hideRest(from: number = this.#at): void {
    this.#waitFrom(from)
    this.#at = this.#source.length
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    return pattern.exec(this.#source)?.[0]
  }

  /** Nobody marks with so many: it is drawn. What was cut off before it belongs to it. */
  #isLine(run: string): boolean {
    return run.length > longestRun || (this.#at === 0 && this.#options.before === run[0])
  }

  #runOf(character: string): string {
    let end = this.#at + 1
    while (this.#source[end] === character) end += 1
    return this.#source.slice(this.#at, end)
  }

  /** Where what closes ends. */
  #find(closer: string, from: number): number | undefined {
    const found = this.#source.slice(from, this.#at + this.#options.reach).indexOf(closer)
    return found < 0 ? undefined : from + found + closer.length
  }

  /** Where the next run of exactly that length ends. At the end of an open text a run may still grow. */
  #findRun(run: string, from: number): number | undefined {
    const limit = Math.min(this.#source.length, this.#at + this.#options.reach)
    let at = this.#source.indexOf('`', from)
    while (at >= 0 && at < limit) {
      let end = at + 1
      while (this.#source[end] === '`') end += 1
      const mayGrow = end === this.#source.length && !this.#options.isClosed
      if (end - at === run.length && end <= limit && !mayGrow) return end
      at = this.#source.indexOf('`', end)
    }
    return undefined
  }
}

function characterBefore(text: string, at: number): string {
  const code = text.charCodeAt(at - 1)
  const isLow = code >= 0xdc00 && code <= 0xdfff && at > 1
  return text.slice(isLow ? at - 2 : at - 1, at)
}

/** The last character may yet get an accent, or be the first half of an emoji. */
function lastGraphemeOf(source: string): number {
  const last = source.charCodeAt(source.length - 1)
  if (Number.isNaN(last) || last === 0x0a) return source.length
  if (last < 0x300) return source.length - 1
  const end = source.slice(-64)
  let length = 0
  for (const grapheme of splitGraphemes(end)) length = grapheme.length
  return source.length - length
}
