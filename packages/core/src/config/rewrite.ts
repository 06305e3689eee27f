import { type Node, parseTree } from 'jsonc-parser'
import { memberOf } from './document.ts'

/** The text of an object with a member set, objects on the way being made; everything else stays, to the letter. */
export function setMember(text: string, names: readonly string[], value: unknown): string {
  const [mark, body] = splitMark(text)
  const style = styleOf(body)
  const { holder, missing, found } = locate(parseObject(body), names)
  const depth = depthOf(holder) + 1
  const [name = '', ...inner] = found ? ['', ...missing] : missing
  const nested = inner.reduceRight<unknown>((below, key) => Object.fromEntries([[key, below]]), value)
  if (found) return mark + replace(body, found, format(nested, depth, style))
  return mark + insert(body, holder, `${JSON.stringify(name)}: ${format(nested, depth, style)}`, depth, style)
}

/** The text without a member, and without the comment that stands behind it in its line. */
export function removeMember(text: string, names: readonly string[]): string {
  const [mark, body] = splitMark(text)
  const { holder } = locate(parseObject(body), names.slice(0, -1), true)
  const member = memberOf(holder, names.at(-1) ?? '')?.member
  return mark + (member ? cut(body, holder, member) : body)
}

interface Style {
  indent: string
  newline: string
}

interface Location {
  /** The innermost object on the way that is there. */
  holder: Node
  /** Names that are not there, or are below something that is no object. */
  missing: readonly string[]
  /** The value, or what stands in its way. */
  found: Node | undefined
}

function locate(root: Node, names: readonly string[], intoLast = false): Location {
  let holder = root
  for (const [index, name] of names.entries()) {
    const found = memberOf(holder, name)?.value
    if (!found) return { holder, missing: names.slice(index), found: undefined }
    const isHolder = found.type === 'object' && (intoLast || index < names.length - 1)
    if (!isHolder) return { holder, missing: names.slice(index + 1), found }
    holder = found
  }
  return { holder, missing: [], found: undefined }
}

function parseObject(body: string): Node {
  const root = parseTree(body, [], { allowTrailingComma: true })
  if (root?.type !== 'object') throw new TypeError('the text holds no object')
  return root
}

function replace(body: string, node: Node, replacement: string): string {
  return body.slice(0, node.offset) + replacement + body.slice(node.offset + node.length)
}

/** Behind the last member and the comment in its line; a comma follows where one did before. */
function insert(body: string, holder: Node, member: string, depth: number, style: Style): string {
  const close = holder.offset + holder.length - 1
  const last = holder.children?.at(-1)
  const isOneLine = last !== undefined && !/[\r\n]/.test(body.slice(holder.offset, close))
  const line = style.newline + style.indent.repeat(depth)
  if (!last) return insertFirst(body, holder, line + member, depth, style)
  const end = last.offset + last.length
  const comma = findComma(body, end, close)
  const head = comma === undefined ? `${body.slice(0, end)},` : body.slice(0, end)
  if (isOneLine) return `${head}${body.slice(end, close).trimEnd()} ${member} ${body.slice(close)}`
  const at = endOfLineComment(body, comma === undefined ? end : comma + 1, close)
  return head + body.slice(end, at) + line + member + (comma === undefined ? '' : ',') + body.slice(at)
}

function insertFirst(body: string, holder: Node, line: string, depth: number, style: Style): string {
  const close = holder.offset + holder.length - 1
  const inside = body.slice(holder.offset + 1, close).trimEnd()
  return (
    body.slice(0, holder.offset + 1) +
    inside +
    line +
    style.newline +
    style.indent.repeat(depth - 1) +
    body.slice(close)
  )
}

function cut(body: string, holder: Node, member: Node): string {
  const close = holder.offset + holder.length - 1
  const end = member.offset + member.length
  const comma = findComma(body, end, close)
  const behind = endOfLineComment(body, comma === undefined ? end : comma + 1, close)
  const lineStart = body.slice(0, member.offset).search(/[ \t]*$/)
  const isAloneInLine = /[\r\n]$/.test(body.slice(0, lineStart)) && /^[ \t]*[\r\n]/.test(body.slice(behind))
  const from = isAloneInLine ? body.slice(0, lineStart).search(/(\r\n|\r|\n)$/) : member.offset
  const head = comma === undefined ? withoutCommaBefore(body, holder, member, from) : body.slice(0, from)
  const tail = isAloneInLine ? body.slice(behind) : body.slice(behind).replace(/^[ \t]+(?=\S)/, '')
  return head + tail
}

/** The comma before the last member goes with it. */
function withoutCommaBefore(body: string, holder: Node, member: Node, from: number): string {
  const members = holder.children ?? []
  const previous = members[members.indexOf(member) - 1]
  if (!previous) return body.slice(0, from)
  const end = previous.offset + previous.length
  const comma = findComma(body, end, from)
  return comma === undefined ? body.slice(0, from) : body.slice(0, comma) + body.slice(comma + 1, from)
}

/** Place of the comma between two places, past comments. */
function findComma(body: string, from: number, to: number): number | undefined {
  const [blank = ''] = /^(\s|\/\*[\s\S]*?\*\/|\/\/[^\r\n]*)*/.exec(body.slice(from, to)) ?? []
  return body[from + blank.length] === ',' ? from + blank.length : undefined
}

/** Where the comments end that stand in the rest of the line. */
function endOfLineComment(body: string, from: number, to: number): number {
  const [comments = ''] = /^([ \t]*(\/\*[^\r\n]*?\*\/|\/\/[^\r\n]*))*/.exec(body.slice(from, to)) ?? []
  return from + comments.length
}

/** Objects over several lines, lists in one: as people write them. */
function format(value: unknown, depth: number, style: Style): string {
  if (Array.isArray(value)) return `[${value.map((item) => format(item, depth, style)).join(', ')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).map(
    ([key, item]) => `${JSON.stringify(key)}: ${format(item, depth + 1, style)}`,
  )
  if (members.length === 0) return '{}'
  const line = style.newline + style.indent.repeat(depth + 1)
  return `{${line}${members.join(`,${line}`)}${style.newline}${style.indent.repeat(depth)}}`
}

function depthOf(node: Node): number {
  let depth = 0
  for (let up = node.parent; up; up = up.parent) if (up.type === 'object') depth += 1
  return depth
}

function styleOf(body: string): Style {
  const [, indent = '  '] = /[\r\n]([ \t]+)["}]/.exec(body) ?? []
  return { indent, newline: body.includes('\r\n') ? '\r\n' : '\n' }
}

function splitMark(text: string): [mark: string, body: string] {
  return text.startsWith('\uFEFF') ? ['\uFEFF', text.slice(1)] : ['', text]
}
