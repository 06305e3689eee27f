import { getConfigValue } from '@lmapp/core/config'
import type { ApiBackend, ApiModel, LmappClient } from 'lmapp-client'
import { isLmappError } from 'lmapp-kit'
import type { Arguments } from '../arguments/parse-arguments.ts'
import { type CommandContext, withService } from '../context.ts'
import { formatBytes } from '../output/format.ts'
import { printNotice } from '../output/print-error.ts'
import { printJson } from '../output/print-json.ts'
import { toOneLine, toTerminalText } from '../output/sanitize.ts'
import { createStatusLine } from '../output/status-line.ts'
import { findPlaces } from '../service/service-places.ts'
import { exitCodeOfSignal, stopBySignal } from '../signals.ts'
import { readConfigText, writeConfigValue } from './config.ts'
import { explainFit, toModelFields, toModelTable } from './model-text.ts'

export async function listModels(context: CommandContext, args: Arguments): Promise<number> {
  const { models, backends } = await withService(context, async (client) => {
    const [models, backends] = await Promise.all([client.listModels(), listBackends(client)])
    return { models, backends }
  })
  if (args.has('json')) await printJson(context.stdout, models.map(toJson))
  else if (models.length > 0) await context.stdout.write(toModelTable(models, context.stdout.columns))
  else await printNotice(context.stderr, 'No model is there yet. Ask something, or: lmapp models pull NAME')
  await tellMissing(context, backends)
  await tellAsleep(context, backends, models)
  return 0
}

export async function showModel(context: CommandContext, args: Arguments): Promise<number> {
  const [ref = ''] = args.operands
  const model = await withService(context, (client) => client.showModel(ref))
  const files = args.has('checksum') && model.path !== undefined ? await checkFiles(context, model.path) : []
  if (typeof files === 'number') return files
  const [first, ...others] = files
  const whole = first ? { ...model, digest: first.digest } : model
  if (first && others.length === 0 && model.digest !== undefined && first.digest !== model.digest) {
    await printNotice(context.stderr, `The file has changed: its checksum should be ${model.digest}.`)
  }
  if (args.has('json')) {
    await printJson(context.stdout, { ...toJson(whole), ...(files.length > 1 && { files }) })
    return 0
  }
  await context.stdout.write(toModelFields(whole, context.stdout.columns))
  for (const { path, digest } of others) await context.stdout.write(`${digest}  ${toOneLine(path)}\n`)
  if (args.has('checksum') && model.path === undefined) {
    await printNotice(context.stderr, 'Its file is not on this machine, or its engine does not say where.')
  }
  if (model.template !== undefined) await context.stdout.write(`\nTemplate\n${indent(toTerminalText(model.template))}`)
  return 0
}

export async function removeModel(context: CommandContext, args: Arguments): Promise<number> {
  const [ref = ''] = args.operands
  const removed = await withService(context, (client) => client.removeModel(ref))
  if (args.has('json')) await printJson(context.stdout, removed)
  else await context.stdout.write(`Removed ${removed.ref}${describeFreed(removed.freedBytes)}.\n`)
  return 0
}

/** Sets `model` in the configuration. Names that were completed are written in full; an alias stays one. */
export async function switchModel(context: CommandContext, args: Arguments): Promise<number> {
  const [typed = ''] = args.operands
  const before = getConfigValue((await readConfigText(findPlaces(context.environment).configFile)) ?? '{}', 'model')
  const { refs, notice, found } = await withService(context, async (client) => {
    const resolved = await client.resolveModel(typed)
    return { ...resolved, found: await client.showModel(resolved.refs[0] ?? typed) }
  })
  if (notice) await printNotice(context.stderr, notice)
  const model = notice || refs.length === 1 ? fullReference(refs) : typed
  await writeConfigValue(context, 'model', model)
  const previous = typeof before === 'string' ? before : undefined
  if (args.has('json')) await printJson(context.stdout, { model, candidates: refs, previous: previous ?? null })
  else await context.stdout.write(`The default model is now ${model}${describePrevious(previous, model)}.\n`)
  if (found.fit?.state === 'too-large') await printNotice(context.stderr, `${found.ref} is ${explainFit(found.fit)}.`)
  const { LMAPP_MODEL } = context.environment
  if (LMAPP_MODEL) await printNotice(context.stderr, `LMAPP_MODEL is set to "${LMAPP_MODEL}" here, and goes before it.`)
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

/** Only to say who is missing: the list is worth having without it. */
async function listBackends(client: LmappClient): Promise<ApiBackend[]> {
  try {
    return await client.listBackends()
  } catch (error) {
    if (isLmappError(error)) return []
    throw error
  }
}

/** One line for all whose models are not in the list, though somebody expects them there. */
async function tellMissing(context: CommandContext, backends: readonly ApiBackend[]): Promise<void> {
  const configured = getConfigValue(
    (await readConfigText(findPlaces(context.environment).configFile)) ?? '{}',
    'backends',
  )
  const ids = new Set(typeof configured === 'object' && configured !== null ? Object.keys(configured) : [])
  const missing = backends.filter((backend) => isMissing(backend, ids.has(backend.name)))
  if (missing.length === 0) return
  const said = missing.map(
    ({ name, breaker, reason }) => `${name} (${trimEnd(reason ?? breaker.reason ?? 'it failed')})`,
  )
  await printNotice(context.stderr, `Not asked, or without an answer: ${said.join(', ')}. See: lmapp doctor`)
}

/** A plugin is not started only for a list, so nobody knows what it has before its first start. */
async function tellAsleep(context: CommandContext, backends: readonly ApiBackend[], models: readonly ApiModel[]) {
  const asleep = backends.filter(
    ({ name, type, state, execution }) =>
      state === 'stopped' &&
      execution !== 'built-in' &&
      type !== 'embedded' &&
      !models.some(({ backend }) => backend === name),
  )
  const [first] = asleep
  if (!first) return
  const names = asleep.map(({ name }) => name).join(', ')
  await printNotice(
    context.stderr,
    `Not started yet, so what they have is not known: ${names}. See: lmapp backends start ${first.name}`,
  )
}

/** An engine that nobody configured and that does not run is none. */
function isMissing({ state, breaker, health }: ApiBackend, isConfigured: boolean): boolean {
  if (state === 'failed') return true
  const isSilent = state === 'unreachable' || breaker.state === 'open'
  return isSilent && (isConfigured || !health)
}

function trimEnd(sentence: string): string {
  return toOneLine(sentence).replace(/\.$/, '')
}

function describeFreed(bytes: number | undefined): string {
  if (bytes === undefined) return ''
  if (bytes === 0) return '; nothing is freed, another model shares its file'
  return `; ${formatBytes(bytes)} are free again`
}

function describePrevious(before: string | undefined, now: string): string {
  if (before === now) return ', as it was'
  return before === undefined ? '; none was set before' : `; it was ${toOneLine(before)}`
}

/** The exit code where it was stopped. */
async function checkFiles(context: CommandContext, path: string) {
  const { computeChecksums } = await import('./model-checksum.ts')
  const status = createStatusLine(context.stderr)
  using stop = stopBySignal(context.signals)
  try {
    return await computeChecksums(path, { signal: stop.signal, show: (each) => status.show(each) })
  } catch (error) {
    if (stop.by) return exitCodeOfSignal[stop.by]
    throw error
  } finally {
    status.clear()
  }
}

function indent(text: string): string {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => `  ${line}`.trimEnd())
    .join('\n')
    .concat('\n')
}
