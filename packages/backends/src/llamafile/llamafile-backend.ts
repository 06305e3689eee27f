import { mkdir } from 'node:fs/promises'
import { type Backend, LmappError } from 'lmapp-kit'
import {
  createProgramReader,
  type ManagedEngineOptions,
  memoryInArguments,
  openEngine,
  type ProgramFacts,
  readUserArguments,
  toEngineSettings,
  toSpawnOptions,
} from '../llama-server/managed/index.ts'
import { createManagedBackend, type EngineProgram } from '../model-processes/index.ts'
import { findProgram } from '../processes/index.ts'
import { chooseBare, chooseProgram, ensureExecutable } from './choose-program.ts'
import { eraOf, parseLlamafileVersion, toHelp } from './era.ts'
import { describeLlamafile, type FoundLlamafile } from './find-llamafiles.ts'
import { openOldServer } from './old-server.ts'

/** `models`: model files, and llamafiles that hold one. */
export interface LlamafileOptions extends ManagedEngineOptions {
  /** The configured program and the user's arguments. The program may be a llamafile with a model in it. */
  command?: readonly string[] | undefined
  /** Llamafiles of this machine, looked for anew each time; see `findLlamafiles`. */
  find: () => Promise<FoundLlamafile[]>
  /** Where lmapp puts llamafiles that it fetched itself. */
  ownFolder?: string | undefined
}

const engine = 'llamafile'

/** Llamafiles, started by lmapp: one process for each model, with the options of its era. Creating touches nothing. */
export function createLlamafileBackend(options: LlamafileOptions): Backend {
  const [named, ...args] = options.command ?? []
  const user = readUserArguments(args)
  const settings = toEngineSettings(engine, options)
  const reader = createProgramReader()

  const look = async (program: string, signal: AbortSignal): Promise<ProgramFacts> => {
    const found = await describeLlamafile(program)
    if (found) await ensureExecutable(found, options.ownFolder)
    await mkdir(settings.runtimeDir, { recursive: true, mode: 0o700 })
    return reader.read({ ...toSpawnOptions(settings), command: [program], toHelp, signal })
  }

  const locateCommand = async () => (named === undefined ? undefined : locate(named, options))

  return createManagedBackend({
    id: options.id,
    engine,
    models: options.models,
    budget: options.budget,
    ...memoryInArguments(user),
    waitForRestart: options.waitForRestart,
    loadMs: options.timeouts.loadMs,
    async findProgram(signal) {
      const command = await locateCommand()
      const found = await options.find()
      const program = command ?? chooseBare(found)?.path
      if (program !== undefined) return toProgram(program, await look(program, signal))
      const one = found.find(({ executable }) => executable) ?? found[0]
      if (one) {
        await ensureExecutable(one, options.ownFolder)
        return { path: one.path }
      }
      throw new LmappError('backend-start-failed', 'No llamafile is on this machine.', {
        hint: 'Fetch it: lmapp backends install llamafile',
      })
    },
    async launch(model, plan, launch) {
      const command = await locateCommand()
      const found = await options.find()
      const { program, ownModel } = chooseProgram(model, { command, found, platform: process.platform })
      const facts = await look(program, launch.signal)
      const opened = { ...settings, facts, user, model, plan, ownModel }
      if (eraOf(facts) === 'old') return openOldServer({ ...opened, command: [program] }, launch)
      return openEngine({ ...opened, command: [program, '--server'], withoutSocket: true }, launch)
    },
  })
}

function toProgram(path: string, { versionText }: ProgramFacts): EngineProgram {
  const version = parseLlamafileVersion(versionText)
  return { path, ...(version !== undefined && { version }) }
}

/** One that is not executable is found all the same: it is said what to do about it. */
async function locate(named: string, { id, environment }: LlamafileOptions): Promise<string> {
  const found = await findProgram(named, { environment })
  if (found !== undefined || (await describeLlamafile(named))) return found ?? named
  throw new LmappError('backend-start-failed', `The program "${named}" of "${id}" is not there, or cannot be run.`, {
    hint: 'Install it, or correct its command: lmapp config edit',
    details: { program: named },
  })
}
