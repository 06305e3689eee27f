import { join } from 'node:path'
import { loadConfig } from '@lmapp/core/config'
import type { Arguments } from '../arguments/parse-arguments.ts'
import type { CommandContext } from '../context.ts'
import { confirm } from '../input/confirm.ts'
import { formatBytes } from '../output/format.ts'
import { printNotice } from '../output/print-error.ts'
import {
  installLlamafile,
  type LlamafileInstallation,
  type LlamafilePlan,
  llamafileLicense,
  planLlamafile,
} from '../service/llamafile-install.ts'
import { findPlaces } from '../service/service-places.ts'
import { isOffline } from './chat.ts'
import { createInstallPrinter, untilStopped } from './install-backend-progress.ts'

/** Touches files only, so it needs no service: the service finds the engine when it is asked for it. */
export async function installLlamafileEngine(context: CommandContext, args: Arguments): Promise<number> {
  const [name = ''] = args.operands
  const installation = await toInstallation(context, name)
  const plan = await planLlamafile(installation)
  if (!plan.isHere && !args.has('yes') && !(await agrees(context, plan, name))) {
    await printNotice(context.stderr, 'Nothing was fetched.')
    return 0
  }
  return install(context, args, { installation, plan, name })
}

async function toInstallation(context: CommandContext, name: string): Promise<LlamafileInstallation> {
  const [, version] = /^llamafile@(.*)$/.exec(name) ?? []
  const { configFile, dataDir } = findPlaces(context.environment)
  const { config } = await loadConfig(configFile)
  return {
    enginesDir: join(dataDir, 'engines'),
    source: config.sources.llamafile,
    ...(version !== undefined && { version }),
  }
}

/** What cannot be fetched anyway is not asked about: the installation says why. */
async function agrees(context: CommandContext, plan: LlamafilePlan, name: string): Promise<boolean> {
  if (plan.place.kind === 'address' && isOffline(context.environment)) return true
  const { version, from, path, sizeBytes } = plan
  const size = sizeBytes === undefined ? '' : `${formatBytes(sizeBytes)}, `
  const question = `Fetch llamafile ${version} (${size}${llamafileLicense}) from ${from} to ${path}?`
  return confirm(context, question, `lmapp backends install --yes ${name}`)
}

interface InstallOptions {
  installation: LlamafileInstallation
  plan: LlamafilePlan
  name: string
}

async function install(context: CommandContext, args: Arguments, options: InstallOptions): Promise<number> {
  const { installation, plan, name } = options
  const { environment } = context
  const printer = createInstallPrinter(context, args.has('json'))
  const stopped = `Stopped. What arrived is kept; go on: lmapp backends install --yes ${name}`
  return untilStopped({ context, printer, stopped }, async (signal) => {
    const fetching = { signal, offline: isOffline(environment), environment }
    for await (const status of installLlamafile(installation, fetching)) await printer.show(status)
    printer.clear()
    const { version, path, isHere } = plan
    const words = `llamafile ${version} is ${isHere ? 'here already' : 'ready'}: ${path}`
    await printer.done(words, { name: 'llamafile', version, path })
    return 0
  })
}
