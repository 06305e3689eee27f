import { createInterface } from 'node:readline/promises'
import { LmappError } from 'lmapp-kit'
import type { CommandContext } from '../context.ts'

/**
 * Asks on the terminal; anything but yes is no. Where nobody can answer it throws `confirmation-needed`,
 * with the command that says yes.
 */
export async function confirm(context: CommandContext, question: string, sayYes: string): Promise<boolean> {
  if (context.stdin.kind !== 'terminal' || !context.stderr.isTerminal) {
    throw new LmappError('confirmation-needed', `${question} Nobody can answer here.`, { hint: `Say yes: ${sayYes}` })
  }
  await context.stderr.write(`${question} [y/N] `)
  const lines = createInterface({ input: context.stdin.stream, terminal: false })
  try {
    const { value } = await lines[Symbol.asyncIterator]().next()
    return /^y(es)?$/i.test(String(value ?? '').trim())
  } finally {
    lines.close()
  }
}
