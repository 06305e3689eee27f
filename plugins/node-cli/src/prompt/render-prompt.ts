import { type Message, toText } from 'lmapp-kit'
import { defaultTemplate, type ProgramConfig } from '../config/config.ts'

export interface RenderedPrompt {
  prompt: string
  /** What goes into the arguments of the system prompt; empty where there is none, or it is in the prompt. */
  system: string
}

/**
 * Messages as one text. A single question is its own words, after those of the system; several turns are a transcript
 * that says who speaks and ends where the assistant's turn is. A template of the user's own is always used.
 */
export function renderPrompt(
  messages: readonly Message[],
  { template, system: systemArguments }: Pick<ProgramConfig, 'template' | 'system'>,
): RenderedPrompt {
  const isApart = ({ role }: Message) => role === 'system' && systemArguments !== undefined
  const system = messages.filter(isApart).map(read).join('\n\n')
  const rest = messages.filter((message) => !isApart(message))
  const turns = rest.filter(({ role }) => role !== 'system')
  if (template === undefined && turns.length === 1) return { prompt: rest.map(read).join('\n\n'), system }

  const { ending, ...roles } = template ?? defaultTemplate
  const prompt = rest.map((message) => fill(roles[message.role], read(message))).join('')
  return { prompt: prompt + ending, system }
}

function read({ content }: Message): string {
  return toText(content).trim()
}

/** A function, since the text may hold what `replace` would take for a pattern. */
function fill(template: string, text: string): string {
  return template.replaceAll('{text}', () => text)
}
