import type { CommandContext } from '../context.ts'
import type { Arguments } from './parse-arguments.ts'

export interface OptionSpec {
  /** Without the dashes. */
  name: string
  /** One letter. */
  short?: string
  /** What its value is called in the help. Absent: it takes none. */
  value?: string
  repeatable?: true
  /** Named in the promise, built in a later version. */
  later?: true
  help: string
}

/** Returns the exit code; throws for what cannot be done. */
export type Command = (context: CommandContext, args: Arguments) => Promise<number>

export interface CommandSpec {
  /** As typed: `models`, `models list`. */
  name: string
  summary: string
  /** Names of the operands, for the help: `REF`, `[ID]`, `[PROMPT…]`. */
  operands: readonly string[]
  options: readonly OptionSpec[]
  /** Absent: built in a later version, or a group that only has subcommands. */
  load?: () => Promise<Command>
  subcommands?: readonly CommandSpec[]
}
