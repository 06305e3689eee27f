import { mkdir } from 'node:fs/promises'
import { type Backend, LmappError } from 'lmapp-kit'
import { createManagedBackend } from '../../model-processes/index.ts'
import { findProgram } from '../../processes/index.ts'
import { engine } from '../connection.ts'
import { type ManagedEngineOptions, toEngineSettings } from './engine-settings.ts'
import { openEngine, toSpawnOptions } from './open-engine.ts'
import { createProgramReader, type ProgramFacts } from './program-facts.ts'
import { memoryInArguments, readUserArguments } from './user-arguments.ts'

export interface ManagedLlamaServerOptions extends ManagedEngineOptions {
  /** Program and the user's arguments. */
  command: readonly string[]
  /** Where the program is looked for, besides `PATH`. */
  findFolders?: readonly string[] | undefined
}

/** llama-server, started by lmapp: one process for each model. Creating touches nothing. */
export function createManagedLlamaServerBackend(options: ManagedLlamaServerOptions): Backend {
  const [program = '', ...args] = options.command
  const user = readUserArguments(args)
  const settings = toEngineSettings(engine, options)
  const reader = createProgramReader()
  const look = async (signal: AbortSignal): Promise<{ path: string; facts: ProgramFacts }> => {
    const path = await locate(program, options)
    await mkdir(settings.runtimeDir, { recursive: true, mode: 0o700 })
    return { path, facts: await reader.read({ ...toSpawnOptions(settings), command: [path], signal }) }
  }

  return createManagedBackend({
    id: options.id,
    engine,
    models: options.models,
    budget: options.budget,
    ...memoryInArguments(user),
    waitForRestart: options.waitForRestart,
    loadMs: options.timeouts.loadMs,
    async findProgram(signal) {
      const { path, facts } = await look(signal)
      return { path, ...(facts.version !== undefined && { version: facts.version }) }
    },
    async launch(model, plan, launch) {
      const { path, facts } = await look(launch.signal)
      return openEngine({ ...settings, command: [path], facts, user, model, plan }, launch)
    },
  })
}

/** Throws `backend-start-failed` where it is not there, or cannot be run. */
async function locate(
  program: string,
  { id, environment, findFolders = [] }: Pick<ManagedLlamaServerOptions, 'id' | 'environment' | 'findFolders'>,
): Promise<string> {
  const found = await findProgram(program, { environment, folders: findFolders })
  if (found !== undefined) return found
  throw new LmappError('backend-start-failed', `The program "${program}" of "${id}" is not there, or cannot be run.`, {
    hint: 'Install it, or correct its command: lmapp config edit',
    details: { program },
  })
}
