import { type CallOptions, LmappError } from 'lmapp-kit'
import { toFields, toList, toOptionalText } from '../json/fields.ts'
import type { WireMessage } from '../openai-wire/index.ts'
import { engine, type LlamaServerConnection } from './connection.ts'

/** The members of a chat's body that shape its prompt. */
export interface PromptBody {
  model: string
  messages: WireMessage[]
  [member: string]: unknown
}

/** The prompt that the server itself would make of it, up to where the answer begins. */
export async function renderPrompt(
  connection: LlamaServerConnection,
  { model, messages, tools, chat_template_kwargs, reasoning_effort }: PromptBody,
  call: CallOptions,
): Promise<string> {
  const body = { model, messages, tools, chat_template_kwargs, reasoning_effort }
  const answer = await connection.json({ method: 'POST', path: '/apply-template', body, model, ...call })
  const { prompt } = toFields(answer)
  if (typeof prompt === 'string') return prompt
  throw new LmappError('protocol-violation', `${engine} rendered no prompt.`)
}

/** How many tokens a chat reads. */
export async function countPrompt(
  connection: LlamaServerConnection,
  body: PromptBody,
  call: CallOptions,
): Promise<number> {
  const content = await renderPrompt(connection, body, call)
  return (await tokenize(connection, { model: body.model, content, special: true }, call)).length
}

export interface TokenPiece {
  id: number
  /** The token's text in UTF-8; it may end within a character. */
  bytes: Buffer
}

export interface Tokenizing {
  model: string
  content: string
  /** Marks such as `<|im_end|>` become one token, as in a prompt; else they are text. */
  special: boolean
}

export async function tokenize(
  connection: LlamaServerConnection,
  { model, content, special }: Tokenizing,
  call: CallOptions,
): Promise<TokenPiece[]> {
  const body = { model, content, add_special: special, parse_special: special, with_pieces: true }
  const answer = await connection.json({ method: 'POST', path: '/tokenize', body, model, ...call })
  return toList(toFields(answer).tokens).map(toTokenPiece)
}

/** A piece that is no text of its own comes as numbers. */
function toTokenPiece(value: unknown): TokenPiece {
  const { id, piece } = toFields(value)
  if (typeof id !== 'number') throw new LmappError('protocol-violation', `${engine} gave a token that is none.`)
  const bytes = Array.isArray(piece) ? Buffer.from(piece.map(Number)) : Buffer.from(toOptionalText(piece) ?? '')
  return { id, bytes }
}
