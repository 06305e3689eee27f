import type { Proofs } from '../../external/index.ts'
import type { MemoryBudget, ModelFiles } from '../../model-processes/index.ts'
import { createEngineLog, type EngineLog, type ProcessRecords, toChildEnvironment } from '../../processes/index.ts'

/** What a backend of engines that lmapp starts is given, whichever engine it is. */
export interface ManagedEngineOptions {
  /** Of the backend. */
  id: string
  models: ModelFiles
  /** The one that all backends share. */
  budget: MemoryBudget
  /** Milliseconds. Nothing of them limits a load. */
  timeouts: { connectMs: number; stallMs: number; loadMs: number }
  /** What the processes say is appended to it. */
  logFile: string
  /** The service's own folder, for sockets, in which they work. */
  runtimeDir: string
  /** Where `PATH` and what the processes may know are taken from. */
  environment: Readonly<Record<string, string | undefined>>
  records?: ProcessRecords | undefined
  /** Where it is kept which models continue an answer. Default: in memory. */
  proofs?: Proofs | undefined
  waitForRestart?: ((milliseconds: number, signal: AbortSignal) => Promise<void>) | undefined
}

/** What all processes of one backend have in common. */
export interface EngineSettings {
  /** Of the engine, for people. */
  engine: string
  /** Milliseconds. */
  timeouts: { connectMs: number; stallMs: number; loadMs: number }
  /** What its processes know of the environment. */
  environment: Record<string, string>
  /** The service's own folder for sockets; the processes work in it. It is there. */
  runtimeDir: string
  log: EngineLog
  records?: ProcessRecords | undefined
  proofs?: Proofs | undefined
}

export function toEngineSettings(engine: string, options: ManagedEngineOptions): EngineSettings {
  const { timeouts, environment, runtimeDir, logFile, records, proofs } = options
  return {
    engine,
    timeouts,
    environment: toChildEnvironment(environment),
    runtimeDir,
    log: createEngineLog({ file: logFile }),
    records,
    proofs,
  }
}
