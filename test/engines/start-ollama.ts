import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'

/** A real Ollama of one's own, on a free loopback port, with its own models. Disposing ends it and its runners. */
export interface RunningOllama extends AsyncDisposable {
  url: string
  /** As it says itself; a build of one's own says 0.0.0. */
  version: string
}

const run = promisify(execFile)
const cache =
  process.env.LMAPP_TEST_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'lmapp-test')

const binary = join(cache, 'ollama/bin/ollama')
const modelFile = join(cache, 'models/SmolLM2-135M-Instruct.Q4_1.gguf')

export async function startOllama(): Promise<RunningOllama> {
  if (!existsSync(binary) || !existsSync(modelFile)) throw new Error('Run: scripts/install-engines.sh model ollama')
  const home = await mkdtemp(join(tmpdir(), 'lmapp-ollama-'))
  const environment = { PATH: process.env.PATH ?? '', HOME: home, OLLAMA_MODELS: join(home, 'models') }
  const child = spawn(binary, ['serve'], {
    cwd: home,
    env: { ...environment, OLLAMA_HOST: '127.0.0.1:0' },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const stop = async () => {
    await endOf(child)
    await rm(home, { recursive: true, force: true })
  }
  try {
    const { address, version } = await readAddress(child)
    return { url: `http://${address}`, version, [Symbol.asyncDispose]: stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** `ollama create`, from the model file in the cache. */
export async function importModel(ollama: RunningOllama, name: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'lmapp-ollama-'))
  try {
    await writeFile(join(folder, 'Modelfile'), `FROM ${modelFile}\n`)
    await run(binary, ['create', name, '-f', join(folder, 'Modelfile')], {
      cwd: folder,
      env: { PATH: process.env.PATH ?? '', HOME: folder, OLLAMA_HOST: ollama.url },
    })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Its ready line on stderr; the rest of the log is read and dropped, so that it never blocks. */
async function readAddress(child: ChildProcess): Promise<{ address: string; version: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ address: string; version: string }>()
  if (!child.stderr) throw new Error('No stderr.')
  const lines = createInterface({ input: child.stderr })
  const log: string[] = []
  lines.on('line', (line) => {
    log.push(line)
    const ready = /Listening on (127\.0\.0\.1:\d+) \(version ([^)]+)\)/.exec(line)
    if (ready?.[1] && ready[2]) resolve({ address: ready[1], version: ready[2] })
  })
  child.once('exit', () => reject(new Error(`Ollama did not start:\n${log.slice(-20).join('\n')}`)))
  return promise
}

/** SIGTERM makes it end its runners first. */
async function endOf(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  await ended
}
