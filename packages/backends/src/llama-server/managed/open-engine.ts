import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import type { LaunchOptions, MemoryPlan, ModelEngine, ModelFile } from '../../model-processes/index.ts'
import type { SpawnOptions } from '../../processes/index.ts'
import { createLlamaServerBackend } from '../llama-server-backend.ts'
import { toServerArguments } from './arguments.ts'
import type { EngineSettings } from './engine-settings.ts'
import type { ProgramFacts } from './program-facts.ts'
import { startServer } from './server-process.ts'
import { findSocketPlace } from './socket-place.ts'
import type { UserArguments } from './user-arguments.ts'

export interface OpenEngineOptions extends EngineSettings {
  /** Program, and what stands before all other arguments. */
  command: readonly string[]
  facts: ProgramFacts
  user: UserArguments
  model: ModelFile
  /** The program has the model in itself. */
  ownModel?: boolean
  /** Only on loopback: its sandbox may not know sockets. */
  withoutSocket?: boolean
  plan: MemoryPlan
}

/** A llama-server of ours for one model: on a socket that only we can reach where there is one, and always with a key. */
export async function openEngine(options: OpenEngineOptions, launch: LaunchOptions): Promise<ModelEngine> {
  const { model, facts, user, timeouts } = options
  const socketPath = await placeFor(options)
  const key = randomBytes(32).toString('hex')
  const alias = toAlias(model.id)
  const args = toServerArguments({
    facts,
    user,
    modelPath: options.ownModel ? undefined : model.path,
    alias,
    plan: options.plan,
    listenAt: socketPath === undefined ? { port: 0 } : { socketPath },
    threads: availableParallelism(),
    embeds: model.capabilities?.chat === 'no',
  })
  const { url, close, ended } = await startServer(
    {
      ...toSpawnOptions(options),
      engine: options.engine,
      log: options.log,
      command: [...options.command, ...args],
      environment: { ...options.environment, LLAMA_API_KEY: key },
      model: model.id,
      connectMs: timeouts.connectMs,
      ...(socketPath !== undefined && { socketPath, cleanUp: () => removeSocket(socketPath) }),
    },
    launch,
  )
  const backend = createLlamaServerBackend({
    urls: [url],
    timeouts,
    apiKey: async () => key,
    ...(socketPath !== undefined && { socketPath }),
    ...(options.proofs && { proofs: options.proofs }),
  })
  void ended.then(() => backend[Symbol.asyncDispose]())
  return { backend, modelName: user.value('-a', '--alias') ?? alias, close, ended }
}

/** What is the same for every program of a backend. */
export function toSpawnOptions({
  environment,
  runtimeDir,
  records,
}: Pick<EngineSettings, 'environment' | 'runtimeDir' | 'records'>): Omit<SpawnOptions, 'command' | 'log'> {
  return {
    directory: runtimeDir,
    environment,
    execPath: process.execPath,
    execArgv: [],
    cannotStartHint: 'Install it, or correct its command: lmapp config edit',
    ...(records && { records }),
  }
}

/** A place that the user chose is not ours to choose. */
async function placeFor({ facts, user, runtimeDir, withoutSocket }: OpenEngineOptions): Promise<string | undefined> {
  if (withoutSocket || !facts.unixSocket || user.has('--host', '--port')) return undefined
  return findSocketPlace({ runtimeDir })
}

async function removeSocket(path: string): Promise<void> {
  await rm(path, { force: true }).catch(() => {})
}

/** The server takes a comma for the end of a name. */
export function toAlias(id: string): string {
  return id.replaceAll(',', '_')
}
