import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { createSubprocessBackend, parseManifest } from '@lmapp/backends/plugins'
import type { ProcessRecords } from '@lmapp/backends/processes'
import type { BackendContext, BackendDefinition, BackendType } from '@lmapp/core/backends'
import type { DiskModels, ModelLibrary } from '@lmapp/core/models'
import { type Manifest, manifestFileName } from 'lmapp-kit'
import { type EngineInstallation, findEngine, installEngine } from './embedded-engine.ts'
import { createEmbeddedModels, type EmbeddedModels } from './embedded-models.ts'

export interface EmbeddedBackendOptions {
  library: ModelLibrary
  /** Files of other programs, which are run where they are. */
  disk: DiskModels
  /** Where the engine is installed for users without a checkout. */
  enginesDir: string
  /** Folder of the plugin; it ships beside the command. */
  pluginDir?: string
  /** Of the service; the child gets what is allow-listed of it. */
  environment: NodeJS.ProcessEnv
  /** Where its process is written down while it runs. */
  records: ProcessRecords
}

/** The default backend: a plugin like any other, except that lmapp brings it and fetches its engine at first need. */
export function createEmbeddedBackendType(options: EmbeddedBackendOptions): BackendType {
  const pluginDir = options.pluginDir ?? shippedPluginDir()
  const installation: EngineInstallation = { pluginDir, enginesDir: options.enginesDir }
  const { library, disk } = options
  const models = createEmbeddedModels({ library, disk })
  let manifest: Manifest | undefined
  const readManifest = () => {
    const file = `${pluginDir}/${manifestFileName}`
    manifest ??= parseManifest(readFileSync(file, 'utf8'), file)
    return manifest
  }
  return {
    name: 'embedded',
    execution: 'subprocess',
    owner: 'lmapp',
    servesLibrary: true,
    knownModels: (definition, context) => models.list(definition, context),
    async *prepare(definition, context, fetching) {
      await models.tell(definition, context)
      yield* installEngine(installation, fetching)
    },
    create: (definition, context) =>
      createSubprocessBackend({
        manifest: readManifest(),
        directory: pluginDir,
        config: toPluginConfig({ definition, context, models, runtimeDir: findEngine(installation) }),
        secrets: {},
        dataDir: context.dataDir,
        logFile: context.logFile,
        environment: options.environment,
        records: options.records,
      }),
    describeAddress: () => 'inside lmapp (llama.cpp)',
  }
}

function shippedPluginDir(): string {
  const relative = process.env.LMAPP_BUNDLED ? './embedded' : '../../../../plugins/embedded'
  return fileURLToPath(new URL(relative, import.meta.url))
}

interface PluginSurroundings {
  definition: BackendDefinition
  context: BackendContext
  models: EmbeddedModels
  runtimeDir: string | undefined
}

function toPluginConfig({ definition: { config }, context, models, runtimeDir }: PluginSurroundings) {
  return {
    modelsDir: context.modelsDir,
    modelsFile: models.fileFor(context),
    ...(config.models && { models: config.models }),
    ...(runtimeDir !== undefined && { runtimeDir }),
    ...config.config,
  }
}
