import { open } from 'node:fs/promises'
import { type BackendInfo, type Health, isLmappError, type ModelInfo, untilAborted } from 'lmapp-kit'
import type { BackendRegistry, RegisteredBackend } from './registry.ts'

type Environment = Readonly<Record<string, string>>

/** One line of `backends list`. */
export interface BackendReport {
  /** Its id. */
  name: string
  type: string
  state: Health['state'] | 'unreachable' | 'disabled'
  /** Why it is in that state, for a person; null when all is well. */
  reason: string | null
  /** The command that mends it, where the report knows better than its reader. */
  mend?: string
  /** Of the engine where it is known, else of the adapter where lmapp runs it. */
  version: string | null
  execution: 'built-in' | 'subprocess' | 'ffi' | 'grpc'
  owner: 'lmapp' | 'external'
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

export function createBackendReports(registry: BackendRegistry): BackendReports {
  return {
    async list(environment) {
      const [targets, disabled, unusable] = await Promise.all([
        registry.list(environment),
        registry.disabled(),
        registry.unusable(environment),
      ])
      const reports = await Promise.all(targets.filter(({ hidden }) => !hidden).map(toReportIfMissed))
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
      const report = await toReport(target)
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

async function toReportIfMissed(target: RegisteredBackend): Promise<BackendReport | undefined> {
  const report = await toReport(target)
  const isAbsent = report.state === 'unreachable' && target.automatic && target.type.shownOnlyWhenThere === true
  return isAbsent ? undefined : report
}

async function toReport(target: RegisteredBackend): Promise<BackendReport> {
  const address = target.type.describeAddress?.(target.definition)
  const { state, retryAt, reason } = target.breaker.current
  const base = {
    name: target.id,
    type: target.type.name,
    execution: target.type.execution,
    owner: target.type.owner,
    ...(address !== undefined && { address }),
    breaker: {
      state,
      ...(retryAt && { retryAt: retryAt.toISOString() }),
      ...(reason !== undefined && { reason }),
    },
  }
  return { ...base, ...(await look(target)) }
}

type Look = Pick<BackendReport, 'state' | 'reason' | 'version'> & { info?: BackendInfo; health?: Health }

async function look(target: RegisteredBackend): Promise<Look> {
  const signal = AbortSignal.timeout(target.context.timeouts.connectMs)
  try {
    const health = await untilAborted(target.backend.isRunning({ signal }), signal)
    const info = health.running ? await untilAborted(target.backend.getInfo({ signal }), signal) : undefined
    const silent = !health.running && target.type.owner === 'external'
    return {
      state: silent ? 'unreachable' : health.state,
      reason: health.degraded ?? (silent ? 'Nothing answers there.' : null),
      version: info?.engineVersion ?? (target.type.owner === 'lmapp' ? info?.version : undefined) ?? null,
      health,
      ...(info && { info }),
    }
  } catch (error) {
    const reason = isLmappError(error) ? error.message : 'It does not answer in time.'
    return { state: 'unreachable', reason, version: null }
  }
}

const longestTailBytes = 256 * 1024

async function readTail(file: string, lines: number): Promise<string> {
  try {
    await using handle = await open(file)
    const { size } = await handle.stat()
    const start = Math.max(0, size - longestTailBytes)
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(size - start), 0, size - start, start)
    const all = buffer.toString('utf8', 0, bytesRead).split('\n')
    if (start > 0) all.shift()
    if (all.at(-1) === '') all.pop()
    return all
      .slice(-lines)
      .map((line) => `${line}\n`)
      .join('')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  }
}
