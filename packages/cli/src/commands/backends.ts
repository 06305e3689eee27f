import type { ApiBackend } from 'lmapp-client'
import type { Arguments } from '../arguments/parse-arguments.ts'
import { parseCount } from '../arguments/parse-count.ts'
import { type CommandContext, withService } from '../context.ts'
import { formatTime } from '../output/format.ts'
import { printNotice } from '../output/print-error.ts'
import { printJson } from '../output/print-json.ts'
import { toOneLine } from '../output/sanitize.ts'
import { toFields, toTable } from '../output/table.ts'

export async function listBackends(context: CommandContext, args: Arguments): Promise<number> {
  const backends = await withService(context, (client) => client.listBackends())
  if (args.has('json')) await printJson(context.stdout, backends)
  else if (backends.length > 0) await context.stdout.write(toBackendTable(backends, context.stdout.columns))
  else await printNotice(context.stderr, 'There is no backend. See: lmapp doctor')
  return 0
}

export async function showBackend(context: CommandContext, args: Arguments): Promise<number> {
  const [name = ''] = args.operands
  const backend = await withService(context, (client) => client.showBackend(name))
  if (args.has('json')) await printJson(context.stdout, backend)
  else {
    const models = toOneLine((backend.models ?? []).map(({ id }) => id).join(', '))
    const fields: [string, string][] = [...backendFields(backend), ['Models', models]]
    await context.stdout.write(toFields(fields, context.stdout.columns))
  }
  return 0
}

export async function startBackend(context: CommandContext, args: Arguments): Promise<number> {
  const [name = ''] = args.operands
  const backend = await withService(context, (client) => client.startBackend(name))
  return tellChange(context, args, backend)
}

export async function stopBackend(context: CommandContext, args: Arguments): Promise<number> {
  const [name = ''] = args.operands
  const backend = await withService(context, (client) => client.stopBackend(name))
  return tellChange(context, args, backend)
}

async function tellChange(context: CommandContext, args: Arguments, backend: ApiBackend): Promise<number> {
  if (args.has('json')) await printJson(context.stdout, backend)
  else await printNotice(context.stderr, `${backend.name} is ${backend.state}.`)
  return 0
}

export async function backendLogs(context: CommandContext, args: Arguments): Promise<number> {
  const [name = ''] = args.operands
  const lines = parseCount('lines', args.value('lines'), { least: 1, default: 100 })
  const log = await withService(context, (client) => client.backendLogs(name, { lines }))
  if (log === '') await printNotice(context.stderr, `${name} has written no log.`)
  else await context.stdout.write(log.endsWith('\n') ? log : `${log}\n`)
  return 0
}

function toBackendTable(backends: readonly ApiBackend[], width: number): string {
  const columns = [
    { title: 'BACKEND' },
    { title: 'STATE' },
    { title: 'VERSION' },
    { title: 'ADDRESS' },
    { title: 'REASON', least: 12 },
  ]
  const rows = backends.map((backend) => [
    toCell(backend.name),
    backend.state,
    toCell(backend.version ?? ''),
    toOneLine(backend.address ?? ''),
    toOneLine(whyOf(backend)),
  ])
  return toTable(columns, rows, width)
}

const widestCell = 40

/** A stranger's name must not make every row as long as it is. */
function toCell(text: string): string {
  const line = toOneLine(text)
  return line.length <= widestCell ? line : `${line.slice(0, widestCell - 1)}…`
}

/** Also of one that answers again and is left out for a while. */
function whyOf(backend: ApiBackend): string {
  if (!isLeftOut(backend)) return backend.reason ?? backend.notes?.join(' ') ?? ''
  return `left out: ${describeBreaker(backend.breaker)}`
}

function backendFields(backend: ApiBackend): [string, string][] {
  const { breaker, info } = backend
  const can = Object.entries(info?.capabilities ?? {}).filter(([, support]) => support === 'yes')
  return [
    ['Backend', toOneLine(backend.name)],
    ['Type', toOneLine(backend.type)],
    ['State', backend.state],
    ['Reason', toOneLine(backend.reason ?? '')],
    ['Version', toOneLine(backend.version ?? '')],
    ['Address', toOneLine(backend.address ?? '')],
    ['Answers', toOneLine(info?.description ?? '')],
    ['Runs as', backend.execution],
    ['Program', toOneLine(backend.program ?? '')],
    ['From', toOneLine(backend.installed?.from ?? '')],
    ['SHA-256', backend.installed?.sha256 ?? ''],
    ['Installed', backend.installed ? formatTime(backend.installed.at) : ''],
    ['Note', toOneLine(backend.notes?.join(' ') ?? '')],
    ['Run by', toOneLine(backend.owner === 'lmapp' ? 'lmapp' : (backend.managedBy ?? 'another program'))],
    ['Mend it by', toOneLine(backend.mend ?? '')],
    ['Restart it by', backend.owner === 'lmapp' ? '' : (backend.restart ?? '')],
    ['If needed', backend.startable && backend.state === 'stopped' ? 'lmapp starts it' : ''],
    ['Left out', isLeftOut(backend) ? describeBreaker(breaker) : ''],
    ['Can', can.map(([name]) => name).join(', ')],
  ]
}

/** What answers now is asked again by the next request, whatever was before. */
function isLeftOut({ state, breaker }: ApiBackend): boolean {
  return breaker.state === 'open' || (breaker.state === 'half-open' && state !== 'running')
}

function describeBreaker({ state, reason, retryAt }: ApiBackend['breaker']): string {
  const why = reason ? toOneLine(reason).replace(/\.$/, '') : 'it failed'
  if (state === 'half-open') return `${why}; the next request tries it again`
  return retryAt ? `${why}; tried again after ${formatTime(retryAt)}` : why
}
