import { LmappError } from 'lmapp-kit'
import type { ProgramConfig } from '../config/config.ts'
import type { ProgramExit } from './start-program.ts'

/** Why a program could not be started. */
export function toStartError(error: unknown, command: readonly string[], directory: string): LmappError {
  const [program = ''] = command
  const details = { program, directory }
  switch (systemCode(error)) {
    case 'ENOENT':
      return new LmappError('tool-missing', `The program "${program}" was not found.`, {
        hint: 'Install it, or correct "command" under backends.<id>.config: lmapp config edit',
        details,
        cause: error,
      })
    case 'E2BIG':
      return new LmappError('context-overflow', `The prompt is too long for an argument of "${program}".`, {
        hint: 'Shorten it, or let the program read it on stdin: leave {prompt} out of "command"',
        details,
        cause: error,
      })
    case 'ERR_INVALID_ARG_VALUE':
      return new LmappError('bad-input', 'The prompt holds a character that no argument of a program can hold.', {
        hint: 'Leave it out, or let the program read the prompt on stdin: leave {prompt} out of "command"',
        details,
        cause: error,
      })
    default:
      return new LmappError('engine-failed', `The program "${program}" could not be started: ${words(error)}`, {
        hint: 'See whether it runs by hand, or correct "command" under backends.<id>.config: lmapp config edit',
        details,
        cause: error,
      })
  }
}

/** What an end means that was not a good one; undefined for a good one. `begun`: a part of the answer is out. */
export function toExitError(
  exit: ProgramExit,
  { command, errors }: Pick<ProgramConfig, 'command' | 'errors'>,
  begun: boolean,
): LmappError | undefined {
  if (exit.code === 0) return undefined
  const [program = ''] = command
  const how = exit.signal === null ? `ended with exit code ${exit.code}` : `was ended by ${exit.signal}`
  const last = exit.stderr.at(-1)?.trim()
  const message = last === undefined ? `"${program}" ${how}, and did not say why.` : `"${program}" ${how}: ${last}`
  const details = { program, exitCode: exit.code, signal: exit.signal, stderr: exit.stderr }
  if (begun) return new LmappError('engine-died', message, { details })
  const said = exit.stderr.join('\n')
  const known = errors.find(({ pattern }) => pattern.test(said))
  return new LmappError(known?.code ?? 'engine-failed', message, { details })
}

/** It ended well, but there is nothing to show. */
export function toEmptyError({ stderr }: ProgramExit, [program = '']: readonly string[]): LmappError {
  const last = stderr.at(-1)?.trim()
  return new LmappError(
    'answer-empty',
    last === undefined ? `"${program}" wrote nothing.` : `"${program}" wrote nothing but, on stderr: ${last}`,
    { details: { program, stderr } },
  )
}

function systemCode(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}

function words(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
