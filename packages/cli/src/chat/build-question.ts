import { type Content, LmappError } from 'lmapp-kit'
import type { CommandContext } from '../context.ts'
import { readStdin, readStdinBytes } from '../input/read-stdin.ts'
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
  const content = sources.files.length > 0 ? await readFiles(context, sources) : []
  const text = joinText(stdinIsFile ? undefined : await readStdin(context, sources), sources.prompt)
  if (text !== '') content.push({ type: 'text', text })
  if (content.length > 0) return content
  if (context.stdin.kind === 'terminal') return undefined
  throw new LmappError('bad-input', 'There is nothing to ask: no prompt, and stdin is empty.', {
    hint: 'Give a prompt: lmapp "Why is the sky blue?"',
  })
}

/** Those that were named, then stdin where that is one of them. */
async function readFiles(context: CommandContext, sources: QuestionSources): Promise<Content[]> {
  const { readAttachment, toContent } = await import('../input/attachments/read-attachment.ts')
  const content: Content[] = []
  for (const path of sources.files.filter((each) => each !== '-')) {
    const attachment = await readAttachment(path, context.directory)
    content.push(...attachment.content)
    if (attachment.notice && !sources.quiet) await printNotice(context.stderr, attachment.notice)
  }
  if (!sources.files.includes('-')) return content
  const bytes = await readStdinBytes(context, sources)
  return [...content, await toContent(bytes ?? Buffer.alloc(0), 'stdin')]
}

function joinText(piped: string | undefined, prompt: string): string {
  const above = piped?.replace(/[\r\n]+$/, '') ?? ''
  if (above.trim() === '') return prompt.trim() === '' ? '' : prompt
  return prompt.trim() === '' ? above : `${above}\n\n${prompt}`
}
