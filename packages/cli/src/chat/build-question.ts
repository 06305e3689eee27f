import { type Content, LmappError } from 'lmapp-kit'
import type { CommandContext } from '../context.ts'
import { readTextFile, toFile } from '../input/read-file.ts'
import { readStdin } from '../input/read-stdin.ts'

export interface QuestionSources {
  prompt: string
  /** Paths; `-` is stdin. */
  files: readonly string[]
  quiet: boolean
}

/**
 * The files, then the piped text and the prompt with a blank line between.
 * Undefined: nothing was given, and stdin is a terminal. Throws `bad-input` when what was given is empty.
 */
export async function buildQuestion(context: CommandContext, sources: QuestionSources): Promise<Content[] | undefined> {
  const stdinIsFile = sources.files.includes('-')
  if (stdinIsFile && context.stdin.kind === 'terminal') {
    throw new LmappError('bad-input', '-f - reads stdin, and that is this terminal.', {
      hint: 'Pipe something into it: lmapp -f - … < FILE',
    })
  }
  const files = sources.files.filter((path) => path !== '-')
  const content: Content[] = await Promise.all(files.map((path) => readTextFile(path, context.directory)))
  const piped = await readStdin(context, sources)
  if (stdinIsFile) content.push(toFile('stdin', piped ?? ''))
  const text = joinText(stdinIsFile ? undefined : piped, sources.prompt)
  if (text !== '') content.push({ type: 'text', text })
  if (content.length > 0) return content
  if (context.stdin.kind === 'terminal') return undefined
  throw new LmappError('bad-input', 'There is nothing to ask: no prompt, and stdin is empty.', {
    hint: 'Give a prompt: lmapp "Why is the sky blue?"',
  })
}

function joinText(piped: string | undefined, prompt: string): string {
  const above = piped?.replace(/[\r\n]+$/, '') ?? ''
  if (above.trim() === '') return prompt.trim() === '' ? '' : prompt
  return prompt.trim() === '' ? above : `${above}\n\n${prompt}`
}
