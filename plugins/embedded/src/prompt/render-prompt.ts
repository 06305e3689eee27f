import { randomBytes } from 'node:crypto'
import { LmappError } from 'lmapp-kit'
import type { ChatTemplate } from '../runtime/open-runtime.ts'
import type { PromptMessage } from './prompt-messages.ts'

/** A stretch of the prompt. Only what the template itself wrote may name special tokens. */
export interface PromptPiece {
  text: string
  origin: 'template' | 'message' | 'answer'
}

export interface RenderValues {
  bosToken: string
  eosToken: string
  /** For templates that know these. */
  thinking?: boolean
  effort?: string
}

type Contents = 'text' | 'list'

/**
 * The conversation in the model's own template, up to where the answer begins.
 * The template sees a random mark in place of each text, and the texts are put in afterwards: so no text can pass for
 * a part of the template. A template that trims its texts trims the mark's margins, and then the text is trimmed too.
 */
export function renderPrompt(
  template: ChatTemplate,
  messages: readonly PromptMessage[],
  values: RenderValues,
): PromptPiece[] {
  const failures: unknown[] = []
  for (const contents of ['text', 'list'] as const) {
    for (const variant of [messages, joinSystem(messages), joinNeighbours(joinSystem(messages))]) {
      try {
        const pieces = renderMarked(template, variant, values, contents)
        if (pieces) return pieces
      } catch (error) {
        failures.push(error)
      }
    }
  }
  const why = failures[0] instanceof Error ? failures[0].message : 'it leaves messages out'
  throw new LmappError('unsupported', `The model's template refuses this conversation: ${why}.`, {
    hint: 'Begin with a message of the user, or choose another model: lmapp models list',
    cause: failures[0],
  })
}

/** Undefined when the template left a text out. */
function renderMarked(
  template: ChatTemplate,
  messages: readonly PromptMessage[],
  values: RenderValues,
  contents: Contents,
): PromptPiece[] | undefined {
  const nonce = randomBytes(12).toString('hex')
  const texts: { text: string; origin: 'message' | 'answer'; optional: boolean }[] = []
  const mark = (text: string, origin: 'message' | 'answer', optional = false): string => {
    if (text === '') return ''
    texts.push({ text, origin, optional })
    return `${margin}${nonce}n${texts.length - 1}e${margin}`
  }
  const rendered = template.render({
    messages: messages.map((message) => {
      const content = mark(message.text, message.role === 'assistant' ? 'answer' : 'message')
      return {
        role: message.role,
        content: contents === 'text' ? content : [{ type: 'text', text: content }],
        ...(message.reasoning !== undefined && { reasoning_content: mark(message.reasoning, 'message', true) }),
      }
    }),
    add_generation_prompt: true,
    bos_token: values.bosToken,
    eos_token: values.eosToken,
    ...(values.thinking !== undefined && { enable_thinking: values.thinking }),
    ...(values.effort !== undefined && { reasoning_effort: values.effort }),
  })
  const used = new Set<number>()
  const pieces = rendered.split(new RegExp(`(${margin}?${nonce}n\\d+e${margin}?)`)).map((part, index): PromptPiece => {
    if (index % 2 === 0) return { text: part, origin: 'template' }
    const number = Number(/n(\d+)e/.exec(part)?.[1])
    used.add(number)
    const entry = texts[number] ?? { text: '', origin: 'message' }
    return { text: trimAs(part, entry.text), origin: entry.origin }
  })
  if (texts.some((entry, index) => !entry.optional && !used.has(index))) return undefined
  return pieces.filter((piece) => piece.text !== '')
}

/** Space that `trim` of a template removes, and that nobody types. */
const margin = '\u2003'

function trimAs(mark: string, text: string): string {
  const start = mark.startsWith(margin) ? text : text.trimStart()
  return mark.endsWith(margin) ? start : start.trimEnd()
}

/** For templates without a system role: what it says goes before the first message of the user. */
function joinSystem(messages: readonly PromptMessage[]): PromptMessage[] {
  const system = messages.filter((message) => message.role === 'system').map((message) => message.text)
  const others = messages.filter((message) => message.role !== 'system')
  const first = others[0]
  if (system.length === 0 || !first) return [...messages]
  if (first.role !== 'user') return [{ role: 'user', text: system.join('\n\n') }, ...others]
  return [{ ...first, text: [...system, first.text].join('\n\n') }, ...others.slice(1)]
}

/** For templates that want user and assistant in turns. */
function joinNeighbours(messages: readonly PromptMessage[]): PromptMessage[] {
  const joined: PromptMessage[] = []
  for (const message of messages) {
    const last = joined.at(-1)
    if (last?.role === message.role) joined[joined.length - 1] = { ...last, text: `${last.text}\n\n${message.text}` }
    else joined.push(message)
  }
  return joined
}

/** For models that carry no template; most of those that can chat were trained on this one. */
export const chatMl =
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
