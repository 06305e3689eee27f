import { createSubprocessBackend, type DiscoveredPlugin, discoverPlugins } from '@lmapp/backends/plugins'
import type { ProcessRecords } from '@lmapp/backends/processes'
import type { BackendType } from '@lmapp/core/backends'
import { LmappError } from 'lmapp-kit'

export interface PluginBackends {
  types: BackendType[]
  /** A sentence for each folder that holds a broken one. */
  warnings: string[]
}

interface Surroundings {
  /** Of the service; the child gets what is allow-listed of it. */
  environment: NodeJS.ProcessEnv
  /** Where its process is written down while it runs. */
  records: ProcessRecords
}

/**
 * The plugins in these folders, as backend types. Reading manifests runs nothing of them. A name that is taken stays
 * with who had it first.
 */
export async function findPluginBackends(
  folders: string[],
  taken: Iterable<string>,
  surroundings: Surroundings,
): Promise<PluginBackends> {
  const { plugins, warnings } = await discoverPlugins(folders)
  const names = new Set(taken)
  const found: PluginBackends = { types: [], warnings: warnings.map(({ message }) => message) }
  for (const plugin of plugins) {
    const { name } = plugin.manifest
    if (names.has(name)) found.warnings.push(`${plugin.file}: another backend is called "${name}" already.`)
    else if (plugin.runsHere) found.types.push(toBackendType(plugin, surroundings))
    names.add(name)
  }
  return found
}

function toBackendType({ manifest, directory }: DiscoveredPlugin, surroundings: Surroundings): BackendType {
  return {
    name: manifest.name,
    execution: manifest.execution,
    owner: 'lmapp',
    create({ config, environment: forwarded }, { dataDir, logFile }) {
      if (manifest.execution !== 'subprocess') {
        throw new LmappError(
          'not-supported-yet',
          `"${manifest.name}" runs by ${manifest.execution}, which comes later.`,
        )
      }
      return createSubprocessBackend({
        manifest,
        directory,
        config: { ...config.config, ...(config.models && { models: config.models }) },
        secrets: config.apiKeyEnv === undefined ? {} : pickSecret(forwarded, config.apiKeyEnv),
        dataDir,
        logFile,
        ...surroundings,
      })
    },
    describeAddress: () => directory,
  }
}

function pickSecret(environment: Readonly<Record<string, string>>, name: string): Record<string, string> {
  const value = environment[name]
  return value === undefined ? {} : { apiKey: value }
}
