import { blue, bold, cyan, dim, green, italic, type Look, magenta, plainLook, red, underline, yellow } from './look.ts'

export interface ThemeOptions {
  /** Colours and weights. Without them the marks of Markdown stay, for what would be lost. */
  colors: boolean
  /** For a screen reader: neither marks nor looks. */
  plain: boolean
  /** More than ASCII. */
  unicode: boolean
  /** The terminal knows links (OSC 8). */
  hyperlinks: boolean
}

/** What things look like. */
export interface Theme extends ThemeOptions {
  readonly keepsMarkers: boolean
  readonly code: Look
  readonly link: Look
  readonly url: Look
  readonly bullets: readonly string[]
  readonly boxes: { readonly done: string; readonly open: string }
  readonly quote: string
  readonly line: string
}

export function createTheme(options: ThemeOptions): Theme {
  const { plain, unicode } = options
  const decorates = unicode && !plain
  return {
    ...options,
    hyperlinks: options.hyperlinks && !plain,
    keepsMarkers: !options.colors && !plain,
    code: cyan,
    link: underline,
    url: dim,
    bullets: decorates ? ['•', '◦', '▪'] : ['-'],
    boxes: plain
      ? { done: 'done:', open: 'to do:' }
      : unicode
        ? { done: '☑', open: '☐' }
        : { done: '[x]', open: '[ ]' },
    quote: decorates ? '│ ' : '> ',
    line: decorates ? '─' : '-',
  }
}

export function headingLook(level: number): Look {
  return level === 1 ? bold | underline | cyan : level === 2 ? bold | cyan : bold
}

/** By the first part of a class of highlight.js. */
const codeLooks: Readonly<Record<string, Look>> = {
  keyword: magenta,
  'selector-tag': magenta,
  name: magenta,
  tag: magenta,
  string: green,
  regexp: green,
  addition: green,
  deletion: red,
  number: yellow,
  literal: yellow,
  symbol: yellow,
  comment: dim,
  quote: dim,
  meta: dim,
  title: blue,
  section: bold,
  strong: bold,
  emphasis: italic,
  built_in: cyan,
  type: cyan,
  attr: cyan,
  attribute: cyan,
  property: cyan,
  'selector-class': cyan,
  'selector-id': cyan,
  variable: cyan,
  'template-variable': cyan,
}

export function codeLook(classes: readonly string[], outer: Look): Look {
  for (const name of classes) {
    const look = codeLooks[name.replace(/^hljs-/, '')]
    if (look !== undefined) return look
    if (name === 'hljs-subst') return plainLook
  }
  return outer
}
