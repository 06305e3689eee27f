import { findProgram, isProgram, type ProcessRecords } from '../processes/index.ts'
import type { MemoryBudget } from './memory-budget.ts'
import type { ModelFiles } from './model-file.ts'

/** What the types of engines that lmapp starts read of a definition. */
export interface EngineDefinition {
  id: string
  config: { url?: string; apiKeyEnv?: string; apiKeyFile?: string; command?: string; args?: string[] }
  /** What the front sent of its environment. */
  environment: Readonly<Record<string, string>>
}

export interface EngineContext {
  /** Milliseconds. */
  timeouts: { connectMs: number; stallMs: number; loadMs: number }
  /** The backend's own folder for what it keeps. */
  dataDir?: string
  logFile: string
}

/** What the composition root lends. */
export interface EngineDependencies<Definition extends EngineDefinition, Context extends EngineContext> {
  /** One for the whole service. */
  budget: MemoryBudget
  records?: ProcessRecords
  /** Of the service. */
  environment: Readonly<Record<string, string | undefined>>
  /** The service's own folder for sockets, readable by its owner only. */
  runtimeDir: string
  /** Where programs are looked for, besides `PATH`; whole paths. */
  findFolders: readonly string[]
  modelsOf(definition: Definition, context: Context): ModelFiles
}

/** As the core has it: what a look at the machine tells of an engine. */
export interface EngineInspection {
  owner: 'lmapp' | 'external'
  program?: string
  startable: boolean
  problem?: { message: string; mend: string }
}

/** Of a configured program. */
export async function inspectCommand(
  command: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<EngineInspection> {
  const program = await findProgram(command, { environment })
  if (program !== undefined && (await isProgram(program))) return { owner: 'lmapp', program, startable: true }
  const message = `The program "${command}" is not there, or cannot be run.`
  return { owner: 'lmapp', startable: false, problem: { message, mend: 'lmapp config edit' } }
}
