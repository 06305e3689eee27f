import { join } from 'node:path'
import { loadConfig } from '@lmapp/core/config'
import { isLmappError, LmappError, type Status } from 'lmapp-kit'
import type { Arguments } from '../arguments/parse-arguments.ts'
import type { CommandContext } from '../context.ts'
import { confirm } from '../input/confirm.ts'
import { formatBytes } from '../output/format.ts'
import { printNotice } from '../output/print-error.ts'
import { createStatusLine, noStatusLine } from '../output/status-line.ts'
import {
  installLlamafile,
  type LlamafileInstallation,
  type LlamafilePlan,
  llamafileLicense,
  planLlamafile,
} from '../service/llamafile-install.ts'
import { findPlaces } from '../service/service-places.ts'
import { exitCodeOfSignal, stopBySignal } from '../signals.ts'
import { isOffline } from './chat.ts'
import { createSpeedometer } from './pull-model.ts'

/** Touches files only, so it needs no service: the service finds the engine when it is asked for it. */
export async function installBackend(context: CommandContext, args: Arguments): Promise<number> {
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
  const [, version] = /^llamafile(?:@(.*))?$/.exec(name) ?? []
  if (name !== 'llamafile' && version === undefined) {
    throw new LmappError('not-supported-yet', `Installing "${name}" comes in a later version of lmapp.`, {
      hint: 'What can be installed now: lmapp backends install llamafile',
    })
  }
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
  const asJson = args.has('json')
  const printer = createPrinter(context, asJson)
  const { environment } = context
  using stop = stopBySignal(context.signals)
  try {
    const fetching = { signal: stop.signal, offline: isOffline(environment), environment }
    for await (const status of installLlamafile(installation, fetching)) await printer.show(status)
    printer.clear()
    await tellDone(context, plan, asJson)
    return 0
  } catch (error) {
    printer.clear()
    if (stop.by) {
      if (!asJson) {
        const goOn = `lmapp backends install --yes ${name}`
        await printNotice(context.stderr, `Stopped. What arrived is kept; go on: ${goOn}`)
      }
      return exitCodeOfSignal[stop.by]
    }
    if (asJson && isLmappError(error)) {
      await context.stdout.write(`${JSON.stringify({ type: 'error', error: error.toData() })}\n`)
    }
    throw error
  }
}

/** With `--json` the same lines as `models pull` has. */
function createPrinter({ stdout, stderr }: CommandContext, asJson: boolean) {
  const line = asJson ? noStatusLine : createStatusLine(stderr)
  const speed = createSpeedometer()
  return {
    async show(status: Status): Promise<void> {
      const { message = '', progress } = status
      if (asJson) {
        const event = { type: 'progress', status: message, ...(progress && { progress }) }
        await stdout.write(`${JSON.stringify(event)}\n`)
        return
      }
      const words = stderr.canRedraw ? speed.tell(progress) : ''
      line.show({ ...status, message: [message, words].filter(Boolean).join(' · ') })
    },
    clear: () => line.clear(),
  }
}

async function tellDone(context: CommandContext, plan: LlamafilePlan, asJson: boolean): Promise<void> {
  const { version, path, isHere } = plan
  if (asJson) {
    await context.stdout.write(`${JSON.stringify({ type: 'done', name: 'llamafile', version, path })}\n`)
    return
  }
  await context.stdout.write(`llamafile ${version} is ${isHere ? 'here already' : 'ready'}: ${path}\n`)
}
