import { apiKeyOf } from '@lmapp/backends/http'
import { createSubprocessBackend, type DiscoveredPlugin } from '@lmapp/backends/plugins'
import type { ProcessRecords } from '@lmapp/backends/processes'
import type { BackendDefinition, BackendType, Inspection } from '@lmapp/core/backends'
import { isLmappError, LmappError } from 'lmapp-kit'

export interface PluginSurroundings {
  /** Of the service; the child gets what is allow-listed of it. */
  environment: NodeJS.ProcessEnv
  /** Where its process is written down while it runs. */
  records: ProcessRecords
}

/** A plugin as a backend type. Nothing of it runs before it is asked something. */
export function createPluginType(plugin: DiscoveredPlugin, surroundings: PluginSurroundings): BackendType {
  const { manifest, directory, programs, stamp } = plugin
  return {
    name: manifest.name,
    revision: stamp,
    execution: manifest.execution,
    owner: 'lmapp',
    startsToList: true,
    create(definition, { dataDir, logFile }) {
      if (manifest.execution !== 'subprocess') {
        throw new LmappError(
          'not-supported-yet',
          `"${manifest.name}" runs by ${manifest.execution}, which comes later.`,
        )
      }
      return createSubprocessBackend({
        manifest,
        directory,
        config: toPluginConfig(definition),
        secrets: () => readSecrets(definition),
        beforeStart: () => assertConfig(plugin, definition),
        dataDir,
        logFile,
        ...(programs && { programs }),
        ...surroundings,
      })
    },
    inspect: (definition) => inspectPlugin(plugin, definition),
    describeAddress: () => directory,
  }
}

function toPluginConfig({ config }: BackendDefinition): Record<string, unknown> {
  return { ...config.config, ...(config.models && { models: config.models }) }
}

async function readSecrets(definition: BackendDefinition): Promise<Record<string, string>> {
  const apiKey = await apiKeyOf(definition)?.()
  return apiKey === undefined ? {} : { apiKey }
}

/** A plugin whose settings are wrong is not started: the report says what is wrong before anybody asks it. */
async function inspectPlugin(plugin: DiscoveredPlugin, definition: BackendDefinition): Promise<Inspection> {
  try {
    await assertConfig(plugin, definition)
    return { owner: 'lmapp', startable: true }
  } catch (error) {
    if (!isLmappError(error)) throw error
    return { owner: 'lmapp', startable: false, problem: { message: error.message, mend: error.hint } }
  }
}

/** Throws `config-invalid` that names the keys of the configuration that the plugin's schema refuses. */
async function assertConfig({ manifest, file }: DiscoveredPlugin, definition: BackendDefinition): Promise<void> {
  const schema = manifest.config_schema
  if (!schema) return
  const { findMismatches } = await import('@lmapp/core/structured')
  const mismatches = await findMismatches(schema, toPluginConfig(definition)).catch((cause) => {
    throw new LmappError('config-invalid', `${file}: "config_schema" is no JSON Schema: ${cause.message}`, {
      hint: `Tell the author of "${manifest.name}", or: lmapp backends remove ${manifest.name}`,
      cause,
    })
  })
  if (mismatches.length === 0) return
  const wrong = mismatches.map(({ path, message }) => `${toKeyPath(definition, path)} ${message}`)
  throw new LmappError(
    'config-invalid',
    `The plugin "${manifest.name}" cannot use its settings: ${wrong.join('; ')}.`,
    {
      hint: 'Correct it: lmapp config edit',
      details: { backend: definition.id, problems: wrong },
    },
  )
}

/** A JSON pointer of the plugin's schema, as the configuration has it. */
function toKeyPath({ id, config }: BackendDefinition, pointer: string): string {
  const inside = pointer.split('/').slice(1)
  const parent = inside[0] === 'models' && config.models ? [] : ['config']
  return ['backends', id, ...parent, ...inside].join('.')
}
