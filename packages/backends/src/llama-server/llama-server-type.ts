import { type Backend, isLmappError, type LmappError } from 'lmapp-kit'
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
  const parts = new WeakMap<Backend, { attached: Backend; managed: Backend }>()
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
      const attached = attach(definition, context)
      const managed = manage(definition, context, programName)
      const isInstalled = async () => (await findInstalled()) !== undefined
      const backend = createAutomaticLlamaServerBackend({ attached, managed, isInstalled })
      parts.set(backend, { attached, managed })
      return backend
    },
    async inspect(definition: Definition, { timeouts }: Context, backend: Backend): Promise<EngineInspection> {
      const { url, command } = definition.config
      if (url !== undefined) return { owner: 'external', startable: false }
      if (command !== undefined) return inspectCommand(command, environment)
      const program = await findInstalled()
      const found = { ...(program !== undefined && { program }) }
      const { attached, managed } = parts.get(backend) ?? { attached: backend }
      if (managed && (await managed.isRunning()).running) return { owner: 'lmapp', startable: true, ...found }
      const failure = await failureOf(attached, timeouts)
      if (!failure) return { owner: 'external', startable: false, ...found }
      if (isRefusal(failure)) {
        const problem = { message: failure.message, mend: 'lmapp config edit' }
        return { owner: 'external', startable: false, ...found, problem }
      }
      return { owner: program === undefined ? 'external' : 'lmapp', startable: program !== undefined, ...found }
    },
    describeAddress: ({ config }: Definition): string =>
      config.url ?? config.command ?? 'http://127.0.0.1:8080 or :9931',
  }
}

/** Who looks gives up after three seconds: what has not answered by then is not there. */
const longestLookMs = 2_000

/** Undefined when one answers. */
async function failureOf(attached: Backend, { connectMs }: { connectMs: number }): Promise<LmappError | undefined> {
  try {
    await attached.start({ signal: AbortSignal.timeout(Math.min(connectMs, longestLookMs)) })
    return undefined
  } catch (error) {
    if (isLmappError(error)) return error
    throw error
  }
}

/** One is there, and wants a key that nobody gave: none is started beside it. */
function isRefusal(error: LmappError): boolean {
  return isLmappError(error, 'unauthorized') || isLmappError(error, 'forbidden')
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
