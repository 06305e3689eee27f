import { resolve } from 'node:path'
import {
  type PluginVerdict,
  readVerifySettings,
  requirementNames,
  type VerifySettings,
  verifyPlugin,
} from '@lmapp/backends/verify'
import { LmappError } from 'lmapp-kit'
import { nearest } from '../../arguments/nearest.ts'
import type { Arguments } from '../../arguments/parse-arguments.ts'
import type { CommandContext } from '../../context.ts'
import { readerLeft } from '../../output/output.ts'
import { printNotice } from '../../output/print-error.ts'
import { exitCodeOfSignal, stopBySignal } from '../../signals.ts'
import { readPluginAt } from './verify-plugin-path.ts'
import { createVerdictPrinter } from './verify-plugin-printer.ts'

/** What a plugin that failed a requirement is: one that is not to be relied on. */
const failedExitCode = 5

/** Needs no service, and touches nothing of the user's. */
export async function verifyPluginCommand(context: CommandContext, args: Arguments): Promise<number> {
  const [path = ''] = args.operands
  const only = args.values('only')
  for (const name of only) assertKnown(name)
  const plugin = await readPluginAt(resolve(context.directory, path))
  const settings = withModel(await readVerifySettings(plugin.directory), args.value('model'))
  using stop = stopBySignal(context.signals)
  const { signal } = stop
  try {
    return await print(
      context,
      verifyPlugin({ ...plugin, settings, environment: context.environment, only, signal }),
      args.has('json'),
    )
  } catch (error) {
    if (!stop.by) throw error
    if (!args.has('json')) await printNotice(context.stderr, 'Stopped.')
    return exitCodeOfSignal[stop.by]
  }
}

async function print(
  context: CommandContext,
  verdicts: AsyncIterable<PluginVerdict>,
  asJson: boolean,
): Promise<number> {
  const printer = createVerdictPrinter(context.stdout, asJson)
  for await (const verdict of verdicts) {
    await printer.show(verdict)
    if (readerLeft(context.stdout)) break
  }
  await printer.end()
  return printer.failed > 0 ? failedExitCode : 0
}

function assertKnown(name: string): void {
  if (requirementNames.includes(name)) return
  const near = nearest(name, requirementNames)
  throw new LmappError('bad-input', `No requirement is called "${name}".`, {
    hint: near === undefined ? 'See them all: lmapp backends verify PATH' : `Did you mean "${near}"?`,
    details: { name },
  })
}

function withModel(settings: VerifySettings, model: string | undefined): VerifySettings {
  return model === undefined ? settings : { ...settings, model }
}
