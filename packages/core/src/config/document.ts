import { createScanner, type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser'
import type { ConfigProblem } from './config.ts'

/** The file's text as a tree with positions, before anyone asks what it means. */
export interface ConfigDocument {
  /** Without byte order mark. */
  text: string
  file: string
  root: Node | undefined
  /** Only `syntax`. */
  problems: ConfigProblem[]
}

const longestText = 1_000_000
const deepestNesting = 64
const mostSyntaxProblems = 10

/** JSON with comments and trailing commas. Never throws: what is wrong is in `problems`, and the tree holds what could be read. */
export function parseDocument(source: string, file: string): ConfigDocument {
  const text = source.startsWith('\uFEFF') ? source.slice(1) : source
  const document: ConfigDocument = { text, file, root: undefined, problems: [] }
  const refusal = findRefusal(text)
  if (refusal) {
    document.problems.push(problemAt(document, refusal.offset, { kind: 'syntax', path: '', message: refusal.message }))
    return document
  }
  const errors: ParseError[] = []
  document.root = parseTree(text, errors, { allowTrailingComma: true, allowEmptyContent: true })
  document.problems = errors
    .slice(0, mostSyntaxProblems)
    .map(({ error, offset }) =>
      problemAt(document, offset, { kind: 'syntax', path: '', message: toSyntaxMessage(error) }),
    )
  return document
}

export type ProblemText = Pick<ConfigProblem, 'kind' | 'path' | 'message' | 'nearest'>

export function problemAt(document: ConfigDocument, offset: number, problem: ProblemText): ConfigProblem {
  const lines = document.text.slice(0, offset).split(/\r\n|\r|\n/)
  return { ...problem, file: document.file, line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 }
}

/** Key, value and place of every member. The value is missing where the syntax is broken. */
export function membersOf(node: Node): { key: string; keyNode: Node; value: Node | undefined; member: Node }[] {
  return (node.children ?? []).flatMap((member) => {
    const [keyNode, value] = member.children ?? []
    return keyNode ? [{ key: String(keyNode.value), keyNode, value, member }] : []
  })
}

export function memberOf(node: Node | undefined, key: string): { value: Node | undefined; member: Node } | undefined {
  return node?.type === 'object' ? membersOf(node).findLast((member) => member.key === key) : undefined
}

/** As JSON, whatever its names: `__proto__` becomes a member like any other. */
export function toPlain(node: Node): unknown {
  if (node.type === 'array') return (node.children ?? []).map(toPlain)
  if (node.type !== 'object') return node.value
  const members = membersOf(node).flatMap(({ key, value }) => (value ? [[key, toPlain(value)] as const] : []))
  return Object.fromEntries(members)
}

/** The tree is built by recursion, so that its depth must be known to be small beforehand. */
function findRefusal(text: string): { offset: number; message: string } | undefined {
  if (text.length > longestText) {
    return { offset: 0, message: `The file is larger than ${longestText / 1000} kB, which no configuration is.` }
  }
  const scanner = createScanner(text, true)
  let depth = 0
  for (scanner.scan(); scanner.getTokenOffset() < text.length; scanner.scan()) {
    const first = text[scanner.getTokenOffset()]
    if (first === '{' || first === '[') depth += 1
    if (first === '}' || first === ']') depth -= 1
    if (depth > deepestNesting) {
      return { offset: scanner.getTokenOffset(), message: `Nested deeper than ${deepestNesting} levels.` }
    }
  }
  return undefined
}

function toSyntaxMessage(code: ParseError['error']): string {
  return syntaxMessages.get(printParseErrorCode(code)) ?? 'This is not JSON.'
}

const syntaxMessages: ReadonlyMap<string, string> = new Map([
  ['InvalidSymbol', 'This word is neither true, false nor null; texts stand in double quotes.'],
  ['InvalidNumberFormat', 'This is no number.'],
  ['PropertyNameExpected', 'A key in double quotes is expected here.'],
  ['ValueExpected', 'A value is expected here.'],
  ['ColonExpected', 'A colon is expected here.'],
  ['CommaExpected', 'A comma is expected here.'],
  ['CloseBraceExpected', 'A closing brace is missing.'],
  ['CloseBracketExpected', 'A closing bracket is missing.'],
  ['EndOfFileExpected', 'The file should end here.'],
  ['UnexpectedEndOfComment', 'The comment is not closed.'],
  ['UnexpectedEndOfString', 'The text is not closed.'],
  ['UnexpectedEndOfNumber', 'The number is not finished.'],
  ['InvalidUnicode', 'This \\u sequence is not valid.'],
  ['InvalidEscapeCharacter', 'This \\ sequence is not valid; a backslash is written \\\\.'],
  ['InvalidCharacter', 'This character must be escaped.'],
])
