import type { Content, ImageContent } from 'lmapp-kit'

/** What a conversation is made of in this API, in lmapp's words. Several of them may be one message of a prompt. */
export type Item =
  | { type: 'message'; role: 'system' | 'user' | 'assistant'; content: Content[] }
  | { type: 'reasoning'; text: string }
  | { type: 'call'; id: string; name: string; arguments: string }
  /** `place`: where in the request it stands. */
  | { type: 'result'; id: string; text: string; images: ImageContent[]; place: string }

/** An item as clients write and read it; its id is its own, or is made from that of the response. */
export type WireItem = Readonly<Record<string, unknown>> & { type: string; id?: string }

export interface NamedItem {
  item: Item
  wire: WireItem
}

/** `msg_…_0` is the first item of an answer, `msg_…_in0` of what was given to it. Whoever knows the id finds its response. */
export interface ItemPlace {
  /** Of the response. */
  key: string
  from: 'input' | 'output'
  index: number
}

const prefixes: Readonly<Record<string, string>> = {
  message: 'msg',
  reasoning: 'rs',
  function_call: 'fc',
  function_call_output: 'fco',
}

export function toItemId(type: string, { key, from, index }: ItemPlace): string {
  return `${prefixes[type] ?? 'item'}_${key}_${from === 'input' ? 'in' : ''}${index}`
}

export function parseItemId(id: string): ItemPlace | undefined {
  const [, key, input, index] = /^[a-z]{2,4}_([0-9a-f]{32})_(in)?(\d{1,6})$/.exec(id) ?? []
  if (key === undefined || index === undefined) return undefined
  return { key, from: input === undefined ? 'output' : 'input', index: Number(index) }
}
