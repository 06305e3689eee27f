/** Content of messages, the same in both directions. Discriminators are kebab-case, other keys camelCase. */

export type Role = 'system' | 'user' | 'assistant' | 'tool'

export interface TextContent {
  type: 'text'
  text: string
}

/** What a model thought before it answered. Sent back only to models whose template wants it. */
export interface ReasoningContent {
  type: 'reasoning'
  text: string
}

/** An image, inline. `data` is base64 of the file's bytes. */
export interface ImageContent {
  type: 'image'
  mediaType: string
  data: string
}

/** A text file given along with a message. Backends read it as text under its name. */
export interface FileContent {
  type: 'file'
  name: string
  mediaType: string
  text: string
}

export interface ToolCallContent {
  type: 'tool-call'
  id: string
  name: string
  /** Raw text as the model wrote it: normally JSON, not necessarily valid. */
  arguments: string
}

export interface ToolResultContent {
  type: 'tool-result'
  /** The `id` of the call that this answers. */
  id: string
  name: string
  text: string
  isError?: boolean
}

export type Content = TextContent | ReasoningContent | ImageContent | FileContent | ToolCallContent | ToolResultContent

export interface Message {
  role: Role
  content: Content[]
}

/** The visible text of a message: text and files, without reasoning and tool calls. */
export function toText(content: readonly Content[]): string {
  return content
    .flatMap((item) => {
      if (item.type === 'text') return [item.text]
      if (item.type === 'file') return [toFencedFile(item)]
      if (item.type === 'tool-result') return [item.text]
      return []
    })
    .join('')
}

/** A file as a model reads it: its name, then its text in a fence longer than any run of backticks inside. */
export function toFencedFile(file: FileContent): string {
  const longest = Math.max(2, ...(file.text.match(/`+/g) ?? []).map((run) => run.length))
  const fence = '`'.repeat(longest + 1)
  const end = file.text.endsWith('\n') ? '' : '\n'
  return `${file.name}\n${fence}\n${file.text}${end}${fence}\n\n`
}
