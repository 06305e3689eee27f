import { open } from 'node:fs/promises'
import { type BackendInfo, type Health, LmappError, type ModelInfo } from 'lmapp-kit'
import type { Inspection } from './backend-type.ts'
import { createLooks, type Look, type Looks } from './look-at-backend.ts'
import type { BackendRegistry, RegisteredBackend } from './registry.ts'

type Environment = Readonly<Record<string, string>>

/** One line of `backends list`. */
export interface BackendReport {
  /** Its id. */
  name: string
  type: string
  /** `slow`: it accepts connections, and has not answered yet. */
  state: Look['state'] | 'disabled'
  /** Why it is in that state, for a person; null when all is well. */
  reason: string | null
  /** The command that mends it, where the report knows better than its reader. */
  mend?: string
  /** Of the engine where it is known, else of the plugin. */
  version: string | null
  execution: 'built-in' | 'subprocess' | 'ffi' | 'grpc'
  owner: 'lmapp' | 'external'
  /** Who keeps it running, for people, where that is not lmapp. */
  managedBy?: string
  /** The command by which its manager restarts it. */
  restart?: string
  /** Where its program is on this machine. */
  program?: string
  /** Whether lmapp starts it when it is needed. */
  startable?: boolean
  address?: string
  breaker: { state: 'closed' | 'open' | 'half-open'; retryAt?: string; reason?: string }
  info?: BackendInfo
  health?: Health
}

/** What is there and how it does. Looking starts nothing. */
export interface BackendReports {
  list(environment: Environment): Promise<BackendReport[]>
  /** Throws `not-found`. */
  show(name: string, environment: Environment): Promise<BackendReport & { models?: ModelInfo[] }>
  /** The last lines of its log; empty when it has none. */
  logs(name: string, lines: number, environment: Environment): Promise<string>
}

export function createBackendReports(registry: BackendRegistry, looks: Looks = createLooks()): BackendReports {
  return {
    async list(environment) {
      const [targets, disabled, unusable] = await Promise.all([
        registry.list(environment),
        registry.disabled(),
        registry.unusable(environment),
      ])
      const reportIfMissed = async (target: RegisteredBackend) => unlessAbsent(target, await looks.soon(target))
      const reports = await Promise.all(targets.filter(({ hidden }) => !hidden).map(reportIfMissed))
      return [
        ...reports.filter((report) => report !== undefined),
        ...disabled.map((entry) => toAbsent(entry, 'disabled', 'It is switched off in the configuration.')),
        ...unusable.map((entry) => ({
          ...toAbsent(entry, 'failed', `No backend type is called "${entry.type}".`),
          mend: 'lmapp config edit',
        })),
      ]
    },
    async show(name, environment) {
      const target = await registry.get(name, environment)
      const report = toReport(target, await looks.whole(target))
      if (!report.health?.running) return report
      return { ...report, models: await target.backend.listModels() }
    },
    async logs(name, lines, environment) {
      const target = await registry.get(name, environment)
      return readTail(target.context.logFile, lines)
    },
  }
}

function toAbsent(entry: { id: string; type: string }, state: BackendReport['state'], reason: string): BackendReport {
  return {
    name: entry.id,
    type: entry.type,
    state,
    reason,
    version: null,
    execution: 'built-in',
    owner: 'external',
    breaker: { state: 'closed' },
  }
}

/** Nobody misses what he never had; what he has and cannot use he is told of. */
function unlessAbsent(target: RegisteredBackend, look: Look): BackendReport | undefined {
  const isAway = look.state === 'unreachable' && look.inspection?.problem === undefined
  const isAbsent = isAway && target.automatic && target.type.shownOnlyWhenThere === true
  return isAbsent ? undefined : toReport(target, look)
}

function toReport(target: RegisteredBackend, { inspection, ...look }: Look): BackendReport {
  const address = target.type.describeAddress?.(target.definition)
  const { state, retryAt, reason } = target.breaker.current
  return {
    name: target.id,
    type: target.type.name,
    execution: target.type.execution,
    owner: inspection?.owner ?? target.type.owner,
    ...(address !== undefined && { address }),
    breaker: {
      state,
      ...(retryAt && { retryAt: retryAt.toISOString() }),
      ...(reason !== undefined && { reason }),
    },
    ...look,
    ...(inspection && toOwnership(inspection, look)),
  }
}

function toOwnership(inspection: Inspection, look: Omit<Look, 'inspection'>): Partial<BackendReport> {
  const { managedBy, restart, program, startable, problem } = inspection
  const isWell = look.state === 'running' || look.state === 'stopped'
  return {
    startable,
    ...(managedBy !== undefined && { managedBy }),
    ...(restart !== undefined && { restart }),
    ...(program !== undefined && { program }),
    ...(problem && !isWell && { mend: problem.mend }),
  }
}

const longestTailBytes = 256 * 1024

/** Just after the log was put aside, its last lines are in the older file. */
async function readTail(file: string, lines: number): Promise<string> {
  const found = await readLines(file)
  const older = found.length < lines ? await readLines(`${file}.1`) : []
  return [...older, ...found]
    .slice(-lines)
    .map((line) => `${line}\n`)
    .join('')
}

async function readLines(file: string): Promise<string[]> {
  try {
    await using handle = await open(file)
    const { size } = await handle.stat()
    const start = Math.max(0, size - longestTailBytes)
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(size - start), 0, size - start, start)
    const all = buffer.toString('utf8', 0, bytesRead).split('\n')
    if (start > 0) all.shift()
    if (all.at(-1) === '') all.pop()
    return all
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return []
    if (code === undefined) throw error
    throw new LmappError('path-unusable', `The log ${file} cannot be read (${code}).`, { cause: error })
  }
}
