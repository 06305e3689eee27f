import type { Arguments } from '../arguments/parse-arguments.ts'
import { parseCount } from '../arguments/parse-count.ts'
import type { CommandContext } from '../context.ts'

/** Stays until it is asked to stop. */
export async function serve(context: CommandContext, args: Arguments): Promise<number> {
  const host = args.value('host') ?? '127.0.0.1'
  const port = parseCount('port', args.value('port'), { least: 0, most: 65535, default: 5627 })
  const { runServe } = await import('../service/serve.ts')
  return runServe({ host, port, context })
}
