import { type Content, LmappError } from 'lmapp-kit'
import type { CommandContext } from '../context.ts'
import { readAttachment } from '../input/attachments/read-attachment.ts'
import { toFile } from '../input/attachments/to-file.ts'
import { readStdin } from '../input/read-stdin.ts'
import { printNotice } from '../output/print-error.ts'

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
  const content: Content[] = []
  for (const path of files) {
    const attachment = await readAttachment(path, context.directory)
    content.push(...attachment.content)
    if (attachment.notice && !sources.quiet) await printNotice(context.stderr, attachment.notice)
  }
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
