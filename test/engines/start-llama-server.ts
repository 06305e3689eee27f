import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/** A real llama-server of one's own, on a free loopback port. Disposing ends it and, in router mode, its children. */
export interface RunningLlamaServer extends AsyncDisposable {
  url: string
}

export interface LlamaServerOptions {
  /** Arguments after those for address and threads. Default: the model of the cache, with a context of 4,096 in two slots. */
  arguments?: readonly string[]
  /** Resolve when it begins to load its model; it then answers that it does. Default: when it has loaded it. */
  whileLoading?: boolean
}

const cache =
  process.env.LMAPP_TEST_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'lmapp-test')

const binary = join(cache, 'llama.cpp/bin/llama-server')
export const modelsFolder = join(cache, 'models')
export const modelFile = join(modelsFolder, 'SmolLM2-135M-Instruct.Q4_1.gguf')

/** Small batches: a long prompt then shows its progress. The prompt cache beside the slots would only take memory. */
export const usualArguments = ['-m', modelFile, '-c', '4096', '-np', '2', '-b', '128', '--cache-ram', '0']

export async function startLlamaServer(options: LlamaServerOptions = {}): Promise<RunningLlamaServer> {
  if (!existsSync(binary) || !existsSync(modelFile)) {
    throw new Error('Run: scripts/install-engines.sh model llama-server')
  }
  // It names the address only when it has loaded, and port 0 would be of no use before.
  const port = options.whileLoading ? await findFreePort() : 0
  const address = ['--host', '127.0.0.1', '--port', `${port}`]
  const child = spawn(binary, [...address, '-t', '1', ...(options.arguments ?? usualArguments)], {
    env: { PATH: process.env.PATH ?? '', HOME: homedir() },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  try {
    const sign = options.whileLoading ? /load_model: loading model/ : /listening on http:\/\/127\.0\.0\.1:(\d+)/
    const found = await readLog(child, sign)
    return { url: `http://127.0.0.1:${found[1] ?? port}`, [Symbol.asyncDispose]: () => endOf(child) }
  } catch (error) {
    await endOf(child)
    throw error
  }
}

/** Waits for a line on stderr. The rest of the log is read and dropped, so that it never blocks. */
async function readLog(child: ChildProcess, sign: RegExp): Promise<RegExpExecArray> {
  const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>()
  if (!child.stderr) throw new Error('No stderr.')
  const log: string[] = []
  createInterface({ input: child.stderr }).on('line', (line) => {
    log.push(line)
    const found = sign.exec(line)
    if (found) resolve(found)
  })
  child.once('exit', () => reject(new Error(`llama-server did not start:\n${log.slice(-20).join('\n')}`)))
  return promise
}

async function findFreePort(): Promise<number> {
  const server = createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function endOf(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  await ended
}
