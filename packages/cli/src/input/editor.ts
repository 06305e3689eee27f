import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LmappError } from 'lmapp-kit'

export interface EditorOptions {
  environment: NodeJS.ProcessEnv
  platform: NodeJS.Platform
}

/**
 * Opens the file in the user's editor and resolves when that is left. Throws `tool-missing` or `bad-input`.
 * `afterFailure`: what a person does when the editor itself failed, and may have saved something.
 */
export async function editFile(path: string, options: EditorOptions, afterFailure: string): Promise<void> {
  const [program = '', ...args] = editorCommand(options)
  const child = spawn(program, [...args, path], { stdio: 'inherit', shell: options.platform === 'win32' })
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  child.once('error', (cause) =>
    reject(
      new LmappError('tool-missing', `The editor "${program}" could not be started.`, {
        hint: 'Set EDITOR to one that is there',
        cause,
      }),
    ),
  )
  child.once('exit', (code, signal) => {
    if (code === 0) resolve()
    else reject(new LmappError('bad-input', `The editor ended with ${signal ?? code}.`, { hint: afterFailure }))
  })
  await promise
}

/** The text as it is after editing, without a last line break. */
export async function editText(text: string, options: EditorOptions): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'lmapp-edit-'))
  try {
    const path = join(folder, 'message.md')
    await writeFile(path, text, { mode: 0o600 })
    await editFile(path, options, 'Nothing was taken over')
    return (await readFile(path, 'utf8')).replace(/\r?\n$/, '')
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** `EDITOR` may carry arguments, as in `code --wait`; parts with spaces stand in quotes. */
function editorCommand({ environment, platform }: EditorOptions): string[] {
  const command = environment.VISUAL || environment.EDITOR || (platform === 'win32' ? 'notepad' : 'vi')
  const words = command.match(/"[^"]*"|'[^']*'|\S+/g) ?? []
  return words.map((word) => word.replace(/^(["'])(.*)\1$/, '$2'))
}
