import { LmappError, type TokenProbability, type ToolCall } from 'lmapp-kit'

/** A piece of an answer, or all of it. */
export interface Said {
  text: string
  thinking?: string
  calls?: WireToolCall[]
}

/** How a route of Ollama's tells what was said. */
export type AnswerForm = (said: Said) => object

export interface WireToolCall {
  id: string
  function: { index: number; name: string; arguments: object }
}

export interface WireProbability {
  token: string
  logprob: number
  /** Of its UTF-8. */
  bytes: number[]
  top_logprobs?: WireProbability[]
}

export const chatForm: AnswerForm = ({ text, thinking, calls }) => ({
  message: {
    role: 'assistant',
    content: text,
    ...(thinking && { thinking }),
    ...(calls && { tool_calls: calls }),
  },
})

export const generateForm: AnswerForm = ({ text, thinking }) => ({ response: text, ...(thinking && { thinking }) })

/** Here arguments are an object. Throws `stream-malformed` for those that are none. */
export function toWireCall({ id, name, arguments: text }: ToolCall, index: number): WireToolCall {
  return { id, function: { index, name, arguments: parseArguments(name, text) } }
}

function parseArguments(name: string, text: string): object {
  if (text.trim() === '') return {}
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  } catch {
    // Said below, as for any other JSON.
  }
  throw new LmappError('stream-malformed', `The model called "${name}" with arguments that are no JSON object.`, {
    hint: 'Ask again, or choose a larger model',
    details: { tool: name, arguments: text.slice(0, 200) },
  })
}

export function toWireProbability({ token, logprob, top }: TokenProbability): WireProbability {
  return {
    token,
    logprob,
    bytes: [...Buffer.from(token)],
    ...(top && top.length > 0 && { top_logprobs: top.map((each) => toWireProbability(each)) }),
  }
}
