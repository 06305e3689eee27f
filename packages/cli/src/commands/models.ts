import type { ApiModel } from 'lmapp-client'
import type { Arguments } from '../arguments/parse-arguments.ts'
import { type CommandContext, withService } from '../context.ts'
import { formatBytes, formatCount } from '../output/format.ts'
import { printNotice } from '../output/print-error.ts'
import { printJson } from '../output/print-json.ts'
import { toOneLine } from '../output/sanitize.ts'
import { toFields, toTable } from '../output/table.ts'
import { writeConfigValue } from './config.ts'

export async function listModels(context: CommandContext, args: Arguments): Promise<number> {
  const models = await withService(context, (client) => client.listModels())
  if (args.has('json')) await printJson(context.stdout, models.map(toJson))
  else if (models.length > 0) await context.stdout.write(toModelTable(models, context.stdout.columns))
  else await printNotice(context.stderr, 'No model is there yet. Ask something, or: lmapp models pull NAME')
  return 0
}

export async function showModel(context: CommandContext, args: Arguments): Promise<number> {
  const [ref = ''] = args.operands
  const model = await withService(context, (client) => client.showModel(ref))
  if (args.has('json')) await printJson(context.stdout, toJson(model))
  else await context.stdout.write(toFields(modelFields(model), context.stdout.columns))
  return 0
}

export async function removeModel(context: CommandContext, args: Arguments): Promise<number> {
  const [ref = ''] = args.operands
  const removed = await withService(context, (client) => client.removeModel(ref))
  if (args.has('json')) await printJson(context.stdout, removed)
  else {
    const freed = removed.freedBytes === undefined ? '' : `; ${formatBytes(removed.freedBytes)} are free again`
    await context.stdout.write(`Removed ${removed.ref}${freed}.\n`)
  }
  return 0
}

/** Sets `model` in the configuration. Names that were completed are written in full; an alias stays one. */
export async function switchModel(context: CommandContext, args: Arguments): Promise<number> {
  const [typed = ''] = args.operands
  const { refs, notice } = await withService(context, (client) => client.resolveModel(typed))
  if (notice) await printNotice(context.stderr, notice)
  const model = notice || refs.length === 1 ? fullReference(refs) : typed
  await writeConfigValue(context, 'model', model)
  if (args.has('json')) await printJson(context.stdout, { model, candidates: refs })
  else await context.stdout.write(`The default model is now ${model}.\n`)
  return 0
}

/** `backend/model`, or the name alone where several backends have it: each of them may then answer. */
function fullReference(refs: readonly string[]): string {
  const [first = '', ...others] = refs
  return others.length === 0 ? first : first.slice(first.indexOf('/') + 1)
}

function toJson(model: ApiModel) {
  return { ...model, sizeBytes: model.sizeBytes ?? null, loaded: model.loaded ?? false }
}

function toModelTable(models: readonly ApiModel[], width: number): string {
  const columns = [
    { title: 'MODEL' },
    { title: 'SIZE', align: 'right' as const },
    { title: 'PARAMETERS' },
    { title: 'QUANTIZATION' },
    { title: 'STATE' },
  ]
  const rows = models.map((model) => [
    toOneLine(model.ref),
    model.sizeBytes === undefined ? '' : formatBytes(model.sizeBytes),
    model.parameters ?? '',
    model.quantization ?? '',
    stateOf(model),
  ])
  return toTable(columns, rows, width)
}

function stateOf({ loaded }: ApiModel): string {
  return loaded ? 'loaded' : ''
}

function modelFields(model: ApiModel): [string, string][] {
  const can = Object.entries(model.capabilities ?? {}).filter(([, support]) => support === 'yes')
  return [
    ['Model', model.ref],
    ['State', stateOf(model)],
    ['Size', model.sizeBytes === undefined ? '' : formatBytes(model.sizeBytes)],
    ['Parameters', model.parameters ?? ''],
    ['Quantization', model.quantization ?? ''],
    ['Family', model.family ?? ''],
    ['Context', model.contextLength === undefined ? '' : `${formatCount(model.contextLength)} tokens`],
    ['Can', can.map(([name]) => name).join(', ')],
    ['License', toOneLine(model.license ?? '').slice(0, 200)],
    ['Digest', model.digest ?? ''],
    ['File', model.path ?? ''],
  ]
}
