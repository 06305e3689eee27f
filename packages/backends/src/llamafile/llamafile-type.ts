import type { Backend } from 'lmapp-kit'
import { proofsIn } from '../external/index.ts'
import {
  type EngineContext,
  type EngineDefinition,
  type EngineDependencies,
  type EngineInspection,
  inspectCommand,
} from '../model-processes/index.ts'
import { toChmod } from './choose-program.ts'
import { describeLlamafile, findLlamafiles } from './find-llamafiles.ts'
import { createLlamafileBackend } from './llamafile-backend.ts'

export interface LlamafileDependencies<Definition extends EngineDefinition, Context extends EngineContext>
  extends Omit<EngineDependencies<Definition, Context>, 'findFolders'> {
  /** Those of people, see `usualLlamafileFolders`, and lmapp's own; asked anew each time. */
  findFolders: () => Promise<readonly string[]>
  /** Where lmapp puts llamafiles that it fetched itself. */
  ownFolder?: string
}

/** The configured llamafile, or those that are found on this machine. */
export function createLlamafileType<Definition extends EngineDefinition, Context extends EngineContext>(
  deps: LlamafileDependencies<Definition, Context>,
) {
  const { environment, ownFolder } = deps
  const find = async () => {
    const own = ownFolder === undefined ? [] : [ownFolder]
    return findLlamafiles({ folders: [...own, ...(await deps.findFolders())], environment })
  }

  return {
    name: 'llamafile',
    execution: 'built-in',
    owner: 'lmapp',
    async knownModels(definition: Definition, context: Context) {
      return deps.modelsOf(definition, context).list()
    },
    create(definition: Definition, context: Context): Backend {
      const { command, args = [] } = definition.config
      return createLlamafileBackend({
        id: definition.id,
        ...(command !== undefined && { command: [command, ...args] }),
        find,
        models: deps.modelsOf(definition, context),
        budget: deps.budget,
        timeouts: context.timeouts,
        logFile: context.logFile,
        runtimeDir: deps.runtimeDir,
        ownFolder,
        environment,
        records: deps.records,
        proofs: proofsIn(context.dataDir),
      })
    },
    async inspect({ config: { command } }: Definition): Promise<EngineInspection> {
      if (command === undefined) return inspectFound(await find())
      const found = await describeLlamafile(command)
      return found && !found.executable ? inspectFound([found]) : inspectCommand(command, environment)
    },
    describeAddress: ({ config }: Definition): string | undefined => config.command,
  } as const
}

/** The first that may be run, else the first, with what stands in its way. */
function inspectFound(found: Awaited<ReturnType<typeof findLlamafiles>>): EngineInspection {
  const usable = found.find(({ executable }) => executable)
  if (usable) return { owner: 'lmapp', program: usable.path, startable: true }
  const [first] = found
  if (!first) return { owner: 'lmapp', startable: false }
  const problem = { message: `${first.path} is not executable.`, mend: toChmod(first.path) }
  return { owner: 'lmapp', program: first.path, startable: false, problem }
}
