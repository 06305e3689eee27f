import type { Arguments } from '../arguments/parse-arguments.ts'
import type { CommandContext } from '../context.ts'

/** The engine llamafile, or a plugin. */
export async function installBackend(context: CommandContext, args: Arguments): Promise<number> {
  const [source = ''] = args.operands
  if (/^llamafile(@.*)?$/s.test(source)) {
    return (await import('./install-backend-llamafile.ts')).installLlamafileEngine(context, args)
  }
  return (await import('./plugins/install-plugin.ts')).installPlugin(context, args)
}
