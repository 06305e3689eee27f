import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { availableParallelism } from 'node:os'
import {
  type OpenEngineOptions,
  startServer,
  toAlias,
  toSpawnOptions,
  type UserArguments,
} from '../llama-server/managed/index.ts'
import type { LaunchOptions, MemoryPlan, ModelEngine } from '../model-processes/index.ts'
import { createOpenAiCompatibleBackend } from '../openai-compatible/index.ts'

export interface OldArguments {
  user: UserArguments
  /** Undefined where the program has its model in itself. */
  modelPath: string | undefined
  alias: string
  plan: Pick<MemoryPlan, 'contextLength' | 'slots'>
  port: number
  threads: number
}

/** The arguments of the server up to 0.9, as its manual has them. The newer server, `--v2`, has no health to ask for. */
export function toOldArguments({ user, modelPath, alias, plan, port, threads }: OldArguments): string[] {
  const ours: [names: string[], value?: string][] = [
    ...(modelPath === undefined ? [] : ([[['-m', '--model'], modelPath]] as [string[], string][])),
    [['-a', '--alias'], alias],
    [['--host'], '127.0.0.1'],
    [['--port'], `${port}`],
    [['-c', '--ctx-size'], `${plan.contextLength * plan.slots}`],
    [['-np', '--parallel'], `${plan.slots}`],
    [['-cb', '--cont-batching']],
    [['-t', '--threads'], `${threads}`],
  ]
  const wanted = ours.filter(([names]) => !user.has(...names))
  const flat = wanted.flatMap(([[name = ''], value]) => (value === undefined ? [name] : [name, value]))
  return ['--server', '--nobrowser', ...flat, ...user.all]
}

/**
 * A llamafile up to 0.9, on loopback. It takes a key by its arguments only, where everybody could read it, so it has none;
 * and it does not say what it knows of its model, so it is spoken to as any server of OpenAI's API.
 */
export async function openOldServer(options: OpenEngineOptions, launch: LaunchOptions): Promise<ModelEngine> {
  const { model, user, timeouts } = options
  const alias = toAlias(model.id)
  const args = toOldArguments({
    user,
    modelPath: options.ownModel ? undefined : model.path,
    alias,
    plan: options.plan,
    port: await findFreePort(),
    threads: availableParallelism(),
  })
  const { url, close, ended } = await startServer(
    {
      ...toSpawnOptions(options),
      engine: options.engine,
      log: options.log,
      command: [...options.command, ...args],
      model: model.id,
      connectMs: timeouts.connectMs,
    },
    launch,
  )
  const backend = createOpenAiCompatibleBackend({
    url: `${url}/v1`,
    timeouts,
    ...(options.proofs && { proofs: options.proofs }),
  })
  void ended.then(() => backend[Symbol.asyncDispose]())
  return { backend, modelName: user.value('-a', '--alias') ?? alias, close, ended }
}

/** Given port 0 it would not say which one it got. Where this one is taken meanwhile it tries the next, and says so. */
async function findFreePort(): Promise<number> {
  const server = createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  await once(server.close(), 'close')
  return port
}
