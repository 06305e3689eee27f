import type { Backend } from 'lmapp-kit'
import { type ExternalContext, type ExternalDefinition, proofsIn } from '../external/index.ts'
import { apiKeyOf } from '../http/index.ts'
import {
  type EngineContext,
  type EngineDefinition,
  type EngineDependencies,
  type EngineInspection,
  inspectCommand,
} from '../model-processes/index.ts'
import { findProgram } from '../processes/index.ts'
import { createAutomaticLlamaServerBackend } from './automatic-backend.ts'
import { createLlamaServerBackend } from './llama-server-backend.ts'
import { createManagedLlamaServerBackend } from './managed/index.ts'

/** Where it listens unless it is told otherwise: 8080 until August 2026, 9931 since. */
const usualUrls = ['http://127.0.0.1:8080', 'http://127.0.0.1:9931']
const programName = 'llama-server'

/** A llama-server at the configured `url`, else at the first of its usual ports where one is. */
export const llamaServerBackendType = {
  name: 'llama-server',
  execution: 'built-in',
  owner: 'external',
  create: attach,
  describeAddress: ({ config }: ExternalDefinition): string => config.url ?? 'http://127.0.0.1:8080 or :9931',
} as const

/**
 * With a `url` the llama-server that is there; with a `command` one that lmapp starts for each model. With neither the
 * one at its usual ports, else, where the program is installed, one that is started for a model named with the backend.
 */
export function createLlamaServerType<Definition extends EngineDefinition, Context extends EngineContext>(
  deps: EngineDependencies<Definition, Context>,
) {
  const { environment, findFolders } = deps
  const findInstalled = () => findProgram(programName, { environment, folders: findFolders })

  const manage = (definition: Definition, context: Context, program: string): Backend =>
    createManagedLlamaServerBackend({
      id: definition.id,
      command: [program, ...(definition.config.args ?? [])],
      findFolders,
      models: deps.modelsOf(definition, context),
      budget: deps.budget,
      timeouts: context.timeouts,
      logFile: context.logFile,
      runtimeDir: deps.runtimeDir,
      environment,
      records: deps.records,
      proofs: proofsIn(context.dataDir),
    })

  return {
    ...llamaServerBackendType,
    create(definition: Definition, context: Context): Backend {
      const { url, command } = definition.config
      if (url !== undefined) return attach(definition, context)
      if (command !== undefined) return manage(definition, context, command)
      return createAutomaticLlamaServerBackend({
        attached: attach(definition, context),
        managed: manage(definition, context, programName),
        isInstalled: async () => (await findInstalled()) !== undefined,
      })
    },
    async inspect(definition: Definition, _context: Context, backend: Backend): Promise<EngineInspection> {
      const { url, command } = definition.config
      if (url !== undefined) return { owner: 'external', startable: false }
      if (command !== undefined) return inspectCommand(command, environment)
      const program = await findInstalled()
      const found = { ...(program !== undefined && { program }) }
      const { capabilities } = await backend.getInfo()
      const { running } = await backend.isRunning()
      if (running && capabilities.load !== 'yes') return { owner: 'external', startable: false, ...found }
      return { owner: program === undefined ? 'external' : 'lmapp', startable: program !== undefined, ...found }
    },
    describeAddress: ({ config }: Definition): string =>
      config.url ?? config.command ?? 'http://127.0.0.1:8080 or :9931',
  }
}

function attach(definition: ExternalDefinition, { timeouts, dataDir }: ExternalContext): Backend {
  const apiKey = apiKeyOf(definition)
  const { url } = definition.config
  return createLlamaServerBackend({
    urls: url === undefined ? usualUrls : [url],
    timeouts,
    proofs: proofsIn(dataDir),
    ...(apiKey && { apiKey }),
  })
}
