import { readFileSync } from 'node:fs'

/** How one kind of engine speaks: in the bytes that were recorded of the real one. */
export interface Dialect {
  /** The tokens of the recorded answer. */
  readonly pieces: readonly string[]
  /** What it answers to anything but a chat. */
  reply(request: Asked, state: EngineState): Reply | undefined
  /** Undefined where the request is for no answer. */
  toChat(request: Asked, state: EngineState): Chat | undefined
  /** What it says when it is broken. */
  readonly failure: Reply
  /** How it takes its time with a model, and is well. */
  readonly slowLoad: SlowLoad
}

export interface Asked {
  /** `POST /api/chat` */
  route: string
  body: Record<string, unknown>
}

export interface EngineState {
  /** Its one model. */
  model: string
  loading: boolean
}

export interface Reply {
  status: number
  headers: Record<string, string>
  body: string
}

/** A request for an answer, and the bytes of one. */
export interface Chat {
  question: string
  /** What it shall go on with. */
  partial: string
  headers: Record<string, string>
  piece(text: string): string
  /** All that comes behind the last token. */
  end(tokens: number): string
  error: string
  garbage: string
  /** Where it tells how much of the prompt it has read. */
  reading?(done: number): string
}

/** Milliseconds. Together longer than any silence is suffered. */
export interface SlowLoad {
  /** It is loading, where it tells that. */
  loadingMs: number
  /** From then, or from the chat, to its headers. */
  silentMs: number
  /** Between two steps of reading, where it tells those. */
  readingMs: number
  /** Between two of its first tokens. */
  pieceMs: number
}

/** An exchange with the real engine, from the folder of its adapter. */
export function recorded(file: string): Reply {
  const url = new URL(`../../../packages/backends/src/${file}.json`, import.meta.url)
  return JSON.parse(readFileSync(url, 'utf8')).response
}

/** The same answer with other members. */
export function withMembers(reply: Reply, change: (body: Record<string, unknown>) => object): Reply {
  const body = JSON.parse(reply.body)
  return { ...reply, body: JSON.stringify({ ...body, ...change(body) }) }
}

/** The JSON values of a recorded stream, a line or an event each. */
export function messagesOf({ body }: Reply): Record<string, unknown>[] {
  return body
    .split('\n')
    .map((line) => line.replace(/^data: /, ''))
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line))
}

export function toEvent(value: unknown): string {
  return `data: ${typeof value === 'string' ? value : JSON.stringify(value)}\n\n`
}

export interface WireMessage {
  role: string
  content: string | { text?: string }[]
}

/** What was asked last, and what is there of an answer to it. */
export function readMessages(body: Record<string, unknown>): { question: string; partial: string } {
  const messages = (body.messages ?? []) as WireMessage[]
  const last = messages.at(-1)
  return {
    question: toText(messages.findLast(({ role }) => role === 'user')),
    partial: last?.role === 'assistant' ? toText(last) : '',
  }
}

/** More than it can have, so that nothing of it seems to be cut. */
export function countPrompt({ messages }: Record<string, unknown>): number {
  return JSON.stringify(messages).length
}

function toText(message: WireMessage | undefined): string {
  const content = message?.content ?? ''
  return typeof content === 'string' ? content : content.map(({ text = '' }) => text).join('')
}

/** What is left of an answer. One that does not begin so is given anew. */
export function restOf(pieces: readonly string[], partial: string): string[] {
  if (!pieces.join('').startsWith(partial)) return [...pieces]
  let left = partial.length
  return pieces.flatMap((piece) => {
    const cut = Math.min(left, piece.length)
    left -= cut
    return cut < piece.length ? [piece.slice(cut)] : []
  })
}
