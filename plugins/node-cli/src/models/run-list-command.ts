import { LmappError } from 'lmapp-kit'
import type { ListConfig } from '../config/config.ts'
import { createTerminalFilter } from '../output/terminal-filter.ts'
import { createOutputDecoder } from '../output/text-decoder.ts'
import type { Launcher } from '../program/launcher.ts'
import { toExitError } from '../program/program-error.ts'
import { parseModelNames } from './model-list.ts'

const mostCharacters = 1024 * 1024

/** The names that the command prints. Throws when it cannot be started, fails, prints too much, or `signal` aborts. */
export async function runListCommand(
  { command, pattern, program }: ListConfig,
  launcher: Launcher,
  signal: AbortSignal,
): Promise<string[]> {
  signal.throwIfAborted()
  const running = await launcher.launch({ program, command, name: 'modelsCommand' }, signal)
  const decoder = createOutputDecoder()
  const filter = createTerminalFilter()
  let text = ''
  for await (const bytes of running.output) {
    text += filter.push(decoder.push(bytes))
    if (text.length <= mostCharacters) continue
    await running.end()
    throw new LmappError('engine-failed', `"${command[0]}" printed more than a list of models.`)
  }
  const exit = await running.exited
  signal.throwIfAborted()
  const error = toExitError(exit, { command, errors: program.errors }, false)
  if (error) throw error
  return parseModelNames(text + filter.push(decoder.end()) + filter.end(), pattern)
}
