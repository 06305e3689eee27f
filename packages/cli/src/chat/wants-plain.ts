import { isLmappError } from 'lmapp-kit'
import type { Arguments } from '../arguments/parse-arguments.ts'
import type { CommandContext } from '../context.ts'

/** `--plain`, or `chat.plain` in the configuration. A file that cannot be read is reported by the service. */
export async function wantsPlain(context: CommandContext, args: Arguments): Promise<boolean> {
  if (args.has('plain')) return true
  if (!context.stdout.isTerminal) return false
  return (await readConfig(context))?.chat.plain ?? false
}

/** Undefined where the file is broken. */
export async function readConfig({ environment }: CommandContext) {
  const [{ loadConfig }, { findPlaces }] = await Promise.all([
    import('@lmapp/core/config'),
    import('../service/service-places.ts'),
  ])
  try {
    return (await loadConfig(findPlaces(environment).configFile)).config
  } catch (error) {
    if (!isLmappError(error)) throw error
    return undefined
  }
}
