import { type AvailablePlugin, describeSource, findAvailablePlugins } from '@lmapp/backends/plugins'
import type { BackendReports } from '@lmapp/core/backends'
import type { ApiBackend } from 'lmapp-client'
import { isLmappError, type ModelInfo } from 'lmapp-kit'
import { toOneLine } from '../output/sanitize.ts'
import type { PluginCatalogue, PluginTrouble } from './plugin-catalogue.ts'

type Environment = Readonly<Record<string, string>>

/** What is told of backends, with what is told of plugins only: where they come from, what is wrong, what could be had. */
export interface ReportsWithPlugins extends Pick<BackendReports, 'logs'> {
  list(environment: Environment): Promise<ApiBackend[]>
  show(name: string, environment: Environment): Promise<ApiBackend & { models?: ModelInfo[] }>
}

export interface PluginReportsOptions {
  catalogue: PluginCatalogue
  /** Of the service, for where packages are. */
  environment: NodeJS.ProcessEnv
  homeDir: string
}

export function withPlugins(reports: BackendReports, options: PluginReportsOptions): ReportsWithPlugins {
  const { catalogue, environment, homeDir } = options
  const findAvailable = async () => (await findAvailablePlugins({ environment, homeDir })).plugins

  return {
    logs: reports.logs,
    async list(forwarded) {
      const [usual, available] = await Promise.all([reports.list(forwarded), findAvailable()])
      const names = new Set([...usual.map(({ name }) => name), ...usual.map(({ type }) => type)])
      return [
        ...usual.map((report) => describePlugin(report, catalogue)),
        ...brokenOf(catalogue),
        ...available.filter(({ manifest }) => !names.has(manifest.name)).map(toAvailable),
      ]
    },
    async show(name, forwarded) {
      try {
        return describePlugin(await reports.show(name, forwarded), catalogue)
      } catch (error) {
        if (!isLmappError(error, 'not-found')) throw error
        const broken = brokenOf(catalogue).find((report) => report.name === name)
        if (broken) return broken
        const available = (await findAvailable()).find(({ manifest }) => manifest.name === name)
        if (!available) throw error
        return toAvailable(available)
      }
    },
  }
}

function describePlugin<Report extends ApiBackend>(report: Report, catalogue: PluginCatalogue): Report {
  const { installation, manifest } = catalogue.plugin(report.type) ?? {}
  const notes = catalogue.troubles.filter(({ winner }) => winner === report.type).map(({ error }) => error.message)
  return {
    ...report,
    version: report.version ?? manifest?.version ?? null,
    ...(installation && {
      installed: {
        version: installation.version,
        from: describeSource(installation.source),
        sha256: installation.sha256,
        at: installation.installedAt,
      },
    }),
    ...(notes.length > 0 && { notes }),
  }
}

/** What has no name of its own goes by that of its folder, which may be anything. */
const brokenOf = ({ troubles }: PluginCatalogue): ApiBackend[] =>
  troubles.filter(({ winner }) => winner === undefined).map(toBroken)

function toBroken({ folder, error }: PluginTrouble): ApiBackend {
  const name = toOneLine(folder)
  return {
    name,
    type: name,
    state: 'failed',
    reason: error.message,
    mend: error.hint,
    version: null,
    execution: 'subprocess',
    owner: 'lmapp',
    breaker: { state: 'closed' },
  }
}

function toAvailable({ manifest, source, directory }: AvailablePlugin): ApiBackend {
  return {
    name: manifest.name,
    type: manifest.name,
    state: 'available',
    reason: 'It is on this machine, and lmapp runs it only once it is installed as a backend.',
    mend: `lmapp backends install ${describeSource(source)}`,
    version: manifest.version,
    execution: manifest.execution,
    owner: 'external',
    address: directory,
    breaker: { state: 'closed' },
  }
}
